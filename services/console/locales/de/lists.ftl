# Die Listen der Regeln.
lists-title = Listen
lists-look = Einen Begriff oder Text suchen
lists-look-button = Suchen
lists-hits = Dieser Text trifft:
lists-no-hits = Dieser Text trifft keine Liste.
lists-list = Liste
lists-language = Sprache
lists-how = Abgleich
lists-terms = Begriffe
lists-where = Wo
lists-found = Gefunden
lists-count = { $n ->
    [one] { $n } Begriff
   *[other] { $n } Begriffe
}
lists-remove = Begriffe, die entfernt werden
lists-add = Begriffe, die hinzukommen, einer je Zeile, mit Optionen wie in „scheiß [prefix]“
lists-save = Speichern und in Kraft setzen
lists-inline = Die Begriffe dieser Liste stehen bei den Regeln: Ändern Sie sie dort.
lists-back = Zu den Listen
