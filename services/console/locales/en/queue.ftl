queue-title = Queue
queue-open = { $n ->
    [one] { $n } open
   *[other] { $n } open
}
queue-filters = Filters
queue-narrow = Narrow down
queue-rules = Rules:
queue-remove = remove
queue-nothing-so-far = Nothing so far; look further.
queue-nothing-waits = Nothing waits for you. Well done.
queue-nothing-more = Nothing more here.
queue-next = Next page
filter-site = site
filter-label = label
filter-rule = rule
queue-pick = Choose the case of { $name }
queue-bulk = Decide those that are ticked …
queue-escalated = put first by { $name }
due-minutes = { $n ->
    [one] due in { $n } min
   *[other] due in { $n } min
}
due-hours = { $n ->
    [one] due in { $n } h
   *[other] due in { $n } h
}
due-days = { $n ->
    [one] due in { $n } day
   *[other] due in { $n } days
}
overdue-minutes = { $n ->
    [one] overdue by { $n } min
   *[other] overdue by { $n } min
}
overdue-hours = { $n ->
    [one] overdue by { $n } h
   *[other] overdue by { $n } h
}
overdue-days = { $n ->
    [one] overdue by { $n } day
   *[other] overdue by { $n } days
}
