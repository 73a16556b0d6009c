author-title = Author
author-cases = Open cases
author-bulk = Decide all of them at once
author-comments = Comments
author-names = Names
author-more-decisions = All decisions
