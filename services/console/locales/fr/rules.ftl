# Les règles : ce qui est en vigueur, les versions, l’éditeur et les essais rétrospectifs.
rules-title = Règles
rules-version = Version { $hash }
rules-by = par { $name }
rules-edit = Modifier les règles
rules-versions = Versions
rules-folder-wrong = Le dossier des règles contient des erreurs ; la version en vigueur le reste
rules-days = Les nombres portent sur les 30 derniers jours, en UTC.
rules-rule = Règle
rules-mode = Mode
rules-verdict = Verdict
rules-hits = Déclenchements
rules-shadow-hits = Déclenchements à l’essai
rules-breaker = Disjoncteur
rules-of = { $n ->
    [one] sur { $n } décision
   *[other] sur { $n } décisions
}
rules-results = Résultats d’une règle
rules-labels = Étiquettes
rules-place = Emplacement
rules-told = Ce que les lecteurs apprennent
rules-did = Ce qu’elle a fait
rules-would = À l’essai, elle aurait demandé : { $verdict }.
rules-instead = Les décisions sur ces commentaires ont été :
rules-change-mode = Changer de mode
rules-percent = dans une part des discussions
rules-share = Part en pour cent
rules-note = Note
rules-reset = La laisser refuser de nouveau
rules-back = Vers les règles
rules-compare = Comparer
rules-compare-from = Comparer à partir de { $hash }
rules-compare-to = Comparer jusqu’à { $hash }
rules-number = Nº
rules-from = De
rules-to = À
rules-when = Quand
rules-who = Qui
rules-way-back = Retour
rules-rollback = Remettre en vigueur
rules-older = Versions plus anciennes
rules-difference = Différences
rules-same = Rien ne diffère.
rules-began = Vous êtes parti de la version { $hash }.
rules-saved = Enregistré : ceci est en vigueur maintenant.
rules-stale = Quelqu’un d’autre a changé les règles entre-temps. Rien n’a été enregistré, et rien de ce que vous avez saisi n’est perdu.
rules-stale-look = Voir ce qui a changé
rules-rebase = Mettre mes changements par-dessus, et montrer la différence
rules-files = Fichiers
rules-changed = modifié
rules-new-file = Nouveau fichier
rules-new-path = Chemin dans le dossier des règles
rules-add-file = Ajouter
rules-text-of = Texte de { $file }
rules-check = Vérifier
rules-check-result = Résultat de la vérification
rules-show-difference = Montrer la différence
rules-is-live = C’est la version en vigueur.
rules-valid = { $n ->
    [one] Cela peut entrer en vigueur, avec { $n } règle.
   *[other] Cela peut entrer en vigueur, avec { $n } règles.
}
rules-examples-pass = { $n ->
    [one] L’exemple ({ $n }) est respecté.
   *[other] Les { $n } exemples sont respectés.
}
rules-invalid = { $n ->
    [one] { $n } erreur : cela ne peut pas entrer en vigueur.
   *[other] { $n } erreurs : cela ne peut pas entrer en vigueur.
}
rules-examples = { $n ->
    [one] { $n } exemple
   *[other] { $n } exemples
}
rules-failing = { $n ->
    [one] { $n } en échec
   *[other] { $n } en échec
}
rules-should-fire = doit se déclencher
rules-should-pass = ne doit pas se déclencher
rules-lint = { $n ->
    [one] { $n } point peut-être involontaire
   *[other] { $n } points peut-être involontaires
}
rules-unused = Inutilisés, et non enregistrés : { $files }
rules-try = Essayer un texte
rules-try-text = Texte d’un commentaire
rules-try-author = Sur son auteur
rules-try-language = Langue (code)
rules-try-approved = Déjà approuvés
rules-try-rejected = Déjà refusés
rules-try-sanction = Sanction
rules-try-trusted = De confiance
rules-try-button = Juger
rules-took = { $n ->
    [one] { $n } microseconde
   *[other] { $n } microsecondes
}
rules-missing = Retenu parce que ceci manque : { $what }
rules-backtest = Essai rétrospectif
rules-backtest-help = Ce que cela aurait fait des commentaires des derniers jours, face à la version en vigueur.
rules-backtest-days = Jours
rules-backtest-button = Lancer
rules-runs = En cours, pour { $name }.
rules-progress = Avancement
rules-look-again = Regarder de nouveau
rules-own-page = Sur sa propre page
rules-cancel = Interrompre
rules-cancelled = Il a été interrompu.
rules-failed = Il a échoué ; la cause est dans le journal technique.
rules-compared = { $n ->
    [one] { $n } commentaire a été comparé.
   *[other] { $n } commentaires ont été comparés.
}
rules-flips = { $n ->
    [one] { $n } verdict changerait.
   *[other] { $n } verdicts changeraient.
}
rules-matrix = Verdicts actuels, et selon le projet
rules-now = Actuel ↓ projet →
rules-agreement = Accord avec les décisions des modérateurs
rules-measure = Mesure
rules-live-set = En vigueur
rules-draft = Projet
rules-precision = Précision, retenus ou refusés
rules-recall = Rappel, retenus ou refusés
rules-precision-strict = Précision, refusés
rules-recall-strict = Rappel, refusés
rules-stricter = Plus sévères
rules-milder = Plus cléments
rules-comments = Commentaires
rules-flips-by-day = Verdicts qui changent, par jour
rules-flips-by-rule = Verdicts qui changent, par règle
rules-save = Enregistrer
rules-save-help = À l’essai, les règles nouvelles ou modifiées sont seulement enregistrées ; une règle modifiée n’agit alors plus, même sous sa forme précédente.
rules-save-shadow = Enregistrer à l’essai
rules-save-live = Enregistrer et mettre en vigueur
rules-not-all = Les règles valent pour tous les sites : seul un rédacteur de tous les sites peut les enregistrer.
breaker-open = ouvert : elle retient
breaker-closed = fermé
how-start = au démarrage
how-folder = depuis le dossier
how-reload = relu
how-put = enregistré
how-rollback = retour
change-added = ajouté
change-removed = supprimé
change-changed = modifié
fate-acted = a agi
fate-recorded = seulement enregistré
fate-skipped = ignoré
fate-failed = en échec
