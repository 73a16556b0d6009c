queue-title = Warteschlange
queue-open = { $n ->
    [one] { $n } offener Fall
   *[other] { $n } offene Fälle
}
queue-filters = Filter
queue-narrow = Eingrenzen
queue-rules = Regeln:
queue-remove = entfernen
queue-nothing-so-far = Bisher nichts; sehen Sie weiter hinten nach.
queue-nothing-waits = Nichts wartet auf Sie. Gut gemacht.
queue-nothing-more = Mehr ist hier nicht.
queue-next = Nächste Seite
filter-site = Website
filter-label = Etikett
filter-rule = Regel
queue-pick = Fall von { $name } auswählen
queue-bulk = Angehakte entscheiden …
queue-escalated = vorgezogen von { $name }
due-minutes = { $n ->
    [one] fällig in { $n } Min.
   *[other] fällig in { $n } Min.
}
due-hours = { $n ->
    [one] fällig in { $n } Std.
   *[other] fällig in { $n } Std.
}
due-days = { $n ->
    [one] fällig in { $n } Tag
   *[other] fällig in { $n } Tagen
}
overdue-minutes = { $n ->
    [one] überfällig seit { $n } Min.
   *[other] überfällig seit { $n } Min.
}
overdue-hours = { $n ->
    [one] überfällig seit { $n } Std.
   *[other] überfällig seit { $n } Std.
}
overdue-days = { $n ->
    [one] überfällig seit { $n } Tag
   *[other] überfällig seit { $n } Tagen
}
