audit-title = Journal d’audit
audit-verified = { $n ->
    [one] La chaîne est intacte : { $n } entrée. Dernier maillon :
   *[other] La chaîne est intacte : { $n } entrées. Dernier maillon :
}
audit-damaged = Le journal est endommagé : voyez le journal technique de la console.
audit-by = Qui
audit-act = Quoi
audit-table = Les mêmes en tableau (CSV)
act-signed_in = connexion
act-sign_in_refused = connexion refusée
act-signed_out = déconnexion
act-decided = cas décidé
act-undone = décision annulée
act-added = compte ajouté
act-changed = compte modifié
act-link_made = lien de mot de passe créé
act-password_set = mot de passe défini
act-settings_changed = réglages modifiés
act-retried = nouvel essai d’un événement mis de côté
act-dropped = événement mis de côté abandonné
act-sanctioned = mesure prise contre un auteur
act-escalated = cas signalé comme prioritaire
act-sessions_ended = sessions terminées
act-second_step_set = deuxième étape mise en place
act-second_step_off = deuxième étape retirée
act-code_used = code utilisé
act-token_made = jeton créé
act-token_ended = jeton révoqué
act-token_used = jeton utilisé
act-called = modification par un programme
act-linked = compte lié à un fournisseur d’identité
act-texts_changed = textes aux auteurs modifiés
act-webhook = a agi sur un webhook
