sites-title = Sites
sites-help = Sites are part of the roles’ configuration, and are changed there.
sites-none = Nothing of any site was archived yet.
sites-articles = Articles
sites-comments = Comments
sites-pending = Pending
