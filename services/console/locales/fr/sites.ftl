sites-title = Sites
sites-help = Les sites font partie de la configuration des rôles et se modifient là.
sites-none = Rien n’a encore été archivé.
sites-articles = Articles
sites-comments = Commentaires
sites-pending = En attente
