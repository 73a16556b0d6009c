case-title = Cas
case-by = Commentaire de { $name }
case-platform = sur la plateforme
case-thread = toute la discussion
case-work = S’en charger
case-release = Le rendre
case-answers = Ce à quoi il répond
case-decision = Décision
case-approve = Approuver
case-reject-because = Motif du refus
case-reject = Refuser
case-press-number = Refus : tapez le numéro du motif.
case-notes = Notes
case-note = Ajouter une note
case-add = Ajouter
case-beside = Autres réponses au même commentaire
case-known = Ce que l’on sait
case-author = Auteur
case-approved = Approuvés
case-held = Retenus
case-rejected = Refusés
case-first-seen = Vu pour la première fois
case-trusted = De confiance
case-id = Identifiant
case-under = En vigueur : { $sanction }
case-under-until = jusqu’au { $time }
case-sanctions = Sanctions
case-sanction-by = par { $name }
case-reports = Signalements
case-reports-all = { $n ->
    [0] Personne ne l’a signalé.
    [one] { $n } en tout.
   *[other] { $n } en tout.
}
case-reports-open = { $n ->
    [one] { $n } depuis la dernière décision.
   *[other] { $n } depuis la dernière décision.
}
case-reports-weight = Leur poids : { $n }.
case-reports-reasons = Motifs : { $reasons }.
case-decisions = Décisions
case-by-name = par { $name }
case-by-rules = par des règles
case-choose-reason = Rien n’a été décidé : choisissez un motif de refus.
case-not-decided = Vous n’avez rien décidé. { $why }
case-not-undone = Rien n’a été annulé. { $why }
case-not-done = Rien n’a été fait. { $why }
case-works = { $name } s’en occupe.
case-theirs = { $name } s’en occupe : vous pourrez le décider une fois ce délai passé, ou si le cas est rendu.
case-take = Reprendre le cas
case-more = Plus
case-all-of-author = Tout ce qui attend de cet auteur
case-all-below = Ce commentaire et tout ce qui y répond
case-escalate = Faire passer ce cas en premier
case-escalate-note = Pourquoi (une note pour les autres, facultative)
case-calm = Le remettre à sa place
