author-title = Autor
author-cases = Offene Fälle
author-bulk = Alle auf einmal entscheiden
author-comments = Kommentare
author-names = Namen
author-more-decisions = Alle Entscheidungen
