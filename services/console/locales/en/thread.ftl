thread-title = Thread
thread-removed = The article was taken down.
thread-article = The article
thread-comments = { $n ->
    [one] { $n } comment
   *[other] { $n } comments
}
line-case = open case
line-ghost = This comment was never captured.
