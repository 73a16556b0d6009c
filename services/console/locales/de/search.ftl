search-title = Suche
search-words = Wörter
search-help = „eins zwei“ findet Wörter nebeneinander, moder* Wörter mit diesem Anfang, -wort schließt aus, OR das eine oder das andere.
search-site = Website
search-all = alle
search-any = beliebig
search-type = Art
search-status = Zustand
search-order = Reihenfolge
search-author = Kennung des Autors
search-article = Kennung des Artikels
search-label = Etikett
search-language = Sprache
search-search = Suchen
search-found = { $n ->
    [0] Nichts gefunden
    [one] { $n } Treffer
   *[other] { $n } Treffer
}
search-catching-up = Der Index wird gerade aufgebaut und hat noch nicht alles.
search-off = Im Archiv kann gerade nicht gesucht werden, oder hier gar nicht.
type-comment = Kommentare
type-article = Artikel
sort-relevance = beste zuerst
sort-newest = neueste zuerst
sort-oldest = älteste zuerst
