# Ce que disent plusieurs pages.
common-skip = Aller au contenu
common-console = Console
common-sign-out = Se déconnecter
common-close = Fermer
common-save = Enregistrer
common-to-queue = Vers la file
common-erased = Le texte a été effacé.
common-all = tous
common-yes = oui
common-reported = { $n ->
    [one] { $n } signalement
   *[other] { $n } signalements
}
common-with = chez { $name }
common-until = jusqu’à { $time }
common-blur = Flouter les textes
common-from = Du
common-to = Au
common-show = Afficher
common-nothing = Il n’y a rien ici.
common-bad-day = Une date s’écrit 2026-11-24.

# La navigation.
nav-queue = File
nav-rules = Règles
nav-lists = Listes
nav-insights = Chiffres
nav-tokens = Jetons
nav-search = Recherche
nav-decisions = Décisions
nav-appeals = Recours
nav-texts = Textes
nav-transparency = Transparence
nav-audit = Journal d’audit
nav-parked = Mis de côté
nav-rejections = Refusés
nav-webhooks = Webhooks
nav-sites = Sites
nav-users = Comptes
nav-results = Bilan
nav-rulebook = Règlement
nav-operation = Exploitation
nav-management = Gestion

# La liste des touches.
keys-title = Touches
keys-enter = Entrée
keys-digit = et un chiffre
keys-move = cas suivant, cas précédent de la file
keys-open = ouvrir le cas
keys-work = prendre le cas en charge
keys-approve = approuver
keys-reject = refuser, pour le motif qui porte ce numéro
keys-back = retour à la file
keys-blur = flouter les textes, ou les montrer
keys-list = cette liste

# Les âges.
age-now = à l’instant
age-minutes = { $n ->
    [one] il y a { $n } min
   *[other] il y a { $n } min
}
age-hours = { $n ->
    [one] il y a { $n } h
   *[other] il y a { $n } h
}
age-days = { $n ->
    [one] il y a { $n } jour
   *[other] il y a { $n } jours
}

# Ce qui vient d’être fait.
done-approve = Le commentaire précédent a été approuvé.
done-reject = Le commentaire précédent a été refusé.
done-undo = La décision a été annulée ; le cas est de nouveau ouvert.
done-undo-button = Annuler
done-look = Le revoir

# Les codes du système.
verdict-approve = approuvé
verdict-hold = retenu
verdict-reject = refusé
opening-rules = retenu par des règles
opening-reported = signalé par des lecteurs
opening-appeal = contesté par l’auteur
status-open = ouvert
status-closed = clos
status-unknown = inconnu
status-pending = en attente
status-approved = approuvé
status-rejected = refusé
status-withdrawn = retiré par l’auteur
status-published = publié
status-removed = retiré
status-hidden = non visible
status-not_captured = jamais enregistré
role-viewer = lecteur
role-moderator = modérateur
role-editor = rédacteur des règles
role-auditor = auditeur
role-admin = administrateur
ground-terms = conditions d’utilisation
ground-legal = loi
mode-live = en vigueur
mode-shadow = à l’essai
sanction-warn = avertissement
sanction-premoderate = modération avant publication
sanction-suspend = suspension
sanction-ban = exclusion
sanction-lift = levée
reason-insult = Insulte
reason-hate = Haine
reason-hate_speech = Discours haineux
reason-threat = Menace
reason-harassment = Harcèlement
reason-privacy = Vie privée
reason-misinformation = Désinformation
reason-spam = Publicité indésirable
reason-off_topic = Hors sujet
report-offensive = offensant
report-spam = publicité indésirable
report-harassment = harcèlement
report-hate = haine
report-illegal = illégal
report-misinformation = désinformation
report-off_topic = hors sujet
report-other = autre

# Ce qu’une autre partie du système répond à la place de ce qui était demandé.
problem-case_closed = Le cas est clos entre-temps.
problem-version_conflict = Le cas a changé depuis que vous l’avez vu. Le voici tel qu’il est maintenant.
problem-erased = Le texte du commentaire a été effacé.
problem-claimed = Quelqu’un d’autre s’occupe de ce cas.
problem-too_many_notes = Le cas a autant de notes qu’il peut en avoir ({ $limit }).
problem-not_by_moderator = Cette décision vient des règles : tranchez plutôt le cas.
problem-superseded = Une autre décision est en vigueur entre-temps.
problem-case_open = Le cas est de nouveau ouvert : tranchez-le.
problem-withdrawn = L’auteur a retiré le commentaire.
problem-too_late = Une décision ne peut être annulée que pendant un temps ({ $limit }), qui est écoulé.
problem-same_moderator = L’auteur conteste votre propre décision : une autre personne doit décider.
problem-appeal_closed = Il n’y a plus rien à décider sur ce recours.
problem-precondition_failed = Quelqu’un d’autre a modifié ceci depuis que vous l’avez vu. Votre saisie est conservée ci-dessous ; rechargez la page pour voir la sienne.
problem-undo_off = Ici, les décisions ne peuvent pas être annulées.
problem-rules_changed = Quelqu’un d’autre a changé les règles entre-temps : regardez-les et réessayez.
problem-backtest_running = Un autre essai rétrospectif est en cours : attendez sa fin.
problem-no_such_term = Un terme à retirer n’est plus dans la liste.

# Ce qui n’a pas marché.
fault-not-found = Rien ici
fault-not-found-text = Il n’y a rien à cette adresse, ou rien qui vous soit accessible.
fault-method = Pas ainsi
fault-method-text = Cette adresse ne s’utilise pas ainsi.
fault-signed-out = Déconnecté
fault-signed-out-text = Vous êtes déconnecté.
fault-not-done = Rien n’a été fait
fault-forged-text = Rien n’a été fait, car le formulaire ne vient pas d’une page de la console encore ouverte. Rechargez la page et recommencez.
fault-too-large = Trop long
fault-too-large-text = Un formulaire fait au plus 64 Kio.
fault-forbidden = Non autorisé
fault-forbidden-text = Cela ne vous est pas permis. Il y faut un autre rôle, ou d’autres sites.
fault-role-text = Il y faut le rôle « { $role } ».
fault-unavailable = Pas de réponse
fault-unavailable-text = Une partie du système ne répond pas pour le moment. Rien n’est perdu ; réessayez bientôt.
fault-internal = Une erreur
fault-internal-text = Quelque chose est en panne ; la cause est dans le journal technique.

# Keys, what was done, and categories of the Transparency Database.
keys-undo = annuler ce qui vient d’être fait
keys-pick = cocher un cas de la file, avec Maj tous depuis le dernier
done-measure = La mesure est en vigueur.
category-animal_welfare = bien-être animal
category-consumer_information = information des consommateurs
category-cyber_violence = cyberviolence
category-cyber_violence_against_women = cyberviolence contre les femmes
category-data_protection_and_privacy_violations = protection des données et vie privée
category-illegal_or_harmful_speech = propos illicites ou nuisibles
category-intellectual_property_infringements = propriété intellectuelle
category-negative_effects_on_civic_discourse_or_elections = débat public ou élections
category-other_violation_tc = autre infraction aux conditions
category-protection_of_minors = protection des mineurs
category-risk_for_public_security = risque pour la sécurité publique
category-scams_and_fraud = escroquerie et fraude
category-self_harm = automutilation
category-unsafe_and_prohibited_products = produits dangereux ou interdits
category-violence = violence
