thread-title = Diskussion
thread-removed = Der Artikel wurde entfernt.
thread-article = Der Artikel
thread-comments = { $n ->
    [one] { $n } Kommentar
   *[other] { $n } Kommentare
}
line-case = offener Fall
line-ghost = Dieser Kommentar wurde nie erfasst.
