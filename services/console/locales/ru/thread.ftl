thread-title = Обсуждение
thread-removed = Статья снята с публикации.
thread-article = Статья
thread-comments = { $n ->
    [one] { $n } комментарий
    [few] { $n } комментария
    [many] { $n } комментариев
   *[other] { $n } комментария
}
line-case = открытое дело
line-ghost = Этот комментарий не был сохранён.
