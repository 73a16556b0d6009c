queue-title = File
queue-open = { $n ->
    [one] { $n } cas ouvert
   *[other] { $n } cas ouverts
}
queue-filters = Filtres
queue-narrow = Filtrer
queue-rules = Règles :
queue-remove = retirer
queue-nothing-so-far = Rien jusqu’ici ; voyez plus loin.
queue-nothing-waits = Rien ne vous attend. Beau travail.
queue-nothing-more = Plus rien ici.
queue-next = Page suivante
filter-site = site
filter-label = étiquette
filter-rule = règle
queue-pick = Choisir le cas de { $name }
queue-bulk = Décider les cas cochés…
queue-escalated = mis en premier par { $name }
due-minutes = { $n ->
    [one] à traiter d’ici { $n } min
   *[other] à traiter d’ici { $n } min
}
due-hours = { $n ->
    [one] à traiter d’ici { $n } h
   *[other] à traiter d’ici { $n } h
}
due-days = { $n ->
    [one] à traiter d’ici { $n } jour
   *[other] à traiter d’ici { $n } jours
}
overdue-minutes = { $n ->
    [one] en retard de { $n } min
   *[other] en retard de { $n } min
}
overdue-hours = { $n ->
    [one] en retard de { $n } h
   *[other] en retard de { $n } h
}
overdue-days = { $n ->
    [one] en retard de { $n } jour
   *[other] en retard de { $n } jours
}
