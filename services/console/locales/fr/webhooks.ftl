webhooks-title = Webhooks
webhook-one = Webhook
webhooks-help = Ce qui est décidé est envoyé à ces adresses, signé, jusqu’à ce que ce soit reçu.
webhooks-nothing = La configuration de moderation-rules ne nomme aucun webhook.
webhook-state-up = reçoit
webhook-state-failing = ne reçoit rien en ce moment
webhook-state-disabled = désactivé
webhook-why-failing = Il a échoué pendant des jours.
webhook-why-gone = Il a répondu qu’il ne veut plus rien (410).
webhook-why-operator = Quelqu’un l’a désactivé.
webhook-lost = Sa position n’est plus connue : il a continué avec ce qui a été décidé ensuite. Faites renvoyer la période d’avant.
webhook-retrying = { $n ->
    [one] { $n } événement attend un autre essai
   *[other] { $n } événements attendent un autre essai
}
webhook-ready = { $n ->
    [one] { $n } est le suivant
   *[other] { $n } sont les suivants
}
webhook-unread = { $n ->
    [one] { $n } enregistrement n’est pas encore lu
   *[other] { $n } enregistrements ne sont pas encore lus
}
webhook-oldest = le plus ancien : { $time }
webhook-success = dernier reçu : { $time }
webhook-failure = dernier échec : { $time }
webhook-paused = Il est laissé en paix jusqu’à { $time }.
webhook-next = prochain essai : { $time }
webhook-attempt = essai { $n }
webhook-ms = { $n } ms
webhook-test = Envoyer un ping
webhook-tested = Le ping : { $result }.
webhook-enable = Activer
webhook-enable-confirm = Le destinataire va bien : ce qui attend est envoyé.
webhook-disable = Désactiver
webhook-disable-confirm = Rien n’est envoyé jusqu’à ce que quelqu’un l’active.
webhook-replay-title = Renvoyer
webhook-since = À partir de ce jour (UTC)
webhook-given-up-alone = Seulement ce qui a été abandonné
webhook-replay-confirm = Le destinataire sait quoi faire des répétitions.
webhook-replay = Renvoyer
webhook-again = Renvoyer ceci
webhook-confirm-first = Rien n’a été fait : confirmez-le.
webhookdone-enabled = Il est activé.
webhookdone-disabled = Il est désactivé.
webhookdone-replayed = Ce qui a été demandé est renvoyé.
webhook-log = Livraisons
webhook-outcome = Ensuite
webhook-outcome-done = terminé
webhook-outcome-waits = attend
webhook-outcome-given_up = abandonné
webhookresult-ok = reçu
webhookresult-timeout = pas de réponse à temps
webhookresult-unreachable = pas joignable
webhookresult-blocked = l’adresse ne peut pas être utilisée
webhookresult-redirect = une redirection, qui n’est pas suivie
webhookresult-refused = refusé
webhookresult-limited = trop à la fois
webhookresult-failed = le destinataire a échoué
webhookresult-gone = ne veut plus rien
webhookresult-erased = effacé avant
webhook-acts = Ce qui a été fait
webhookact-began = commencé
webhookact-forgotten = oublié
webhookact-enabled = activé
webhookact-disabled = désactivé
webhookact-tested = testé
webhookact-replayed = renvoyé
