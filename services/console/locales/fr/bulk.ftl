bulk-title = Plusieurs cas à la fois
bulk-none = Rien n’a été fait : choisissez au moins un cas.
bulk-nothing = Il n’y a rien à décider ici.
bulk-would = { $n ->
    [one] { $n } cas serait décidé.
   *[other] { $n } cas seraient décidés.
}
bulk-untick = Décochez ce qui ne doit pas l’être. Rien n’est fait avant que vous n’appuyiez sur un bouton ci-dessous.
bulk-more = Il y en a d’autres. Décidez ceux-ci, puis recommencez.
bulk-approve = Approuver tout ce qui est coché
bulk-reject = Rejeter tout ce qui est coché
bulk-approved = { $n ->
    [one] { $n } commentaire a été approuvé.
   *[other] { $n } commentaires ont été approuvés.
}
bulk-rejected = { $n ->
    [one] { $n } commentaire a été rejeté.
   *[other] { $n } commentaires ont été rejetés.
}
bulk-undone = { $n ->
    [one] { $n } décision a été annulée ; son cas est de nouveau ouvert.
   *[other] { $n } décisions ont été annulées ; leurs cas sont de nouveau ouverts.
}
bulk-undo = Tout annuler
bulk-left-out = { $n ->
    [one] { $n } cas est laissé de côté
   *[other] { $n } cas sont laissés de côté
}

# Why a case is left out.
left-not_found = ce cas n’existe pas, ou n’est pas pour vous
left-case_closed = il est clos entre-temps
left-claimed = quelqu’un d’autre s’en occupe
left-version_conflict = il a changé depuis que vous l’avez vu
left-erased = le texte du commentaire a été effacé
left-not_by_moderator = la décision vient des règles
left-forbidden = quelqu’un d’autre l’a décidé
left-superseded = une autre décision est valable entre-temps
left-case_open = le cas est de nouveau ouvert
left-withdrawn = l’auteur a retiré le commentaire
left-too_late = le délai pour l’annuler est écoulé
left-undo_off = les décisions ne peuvent pas être annulées ici
