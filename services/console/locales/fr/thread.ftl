thread-title = Discussion
thread-removed = L’article a été retiré.
thread-article = L’article
thread-comments = { $n ->
    [one] { $n } commentaire
   *[other] { $n } commentaires
}
line-case = cas ouvert
line-ghost = Ce commentaire n’a jamais été enregistré.
