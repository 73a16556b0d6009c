parked-title = Mis de côté
parked-one = Événement mis de côté
parked-help = Ce qu’un rôle n’a pas pu prendre reste ici dans l’ordre, avec tout ce qui est venu ensuite dans la même discussion.
parked-nothing = Rien n’est mis de côté.
parked-unknown = Ce rôle ne peut pas être interrogé : il ne répond pas, ou la console n’a pas de jeton pour lui.
parked-attempts = { $n ->
    [0] pas encore essayé
    [one] { $n } essai
   *[other] { $n } essais
}
parked-bytes = { $n ->
    [one] { $n } octet
   *[other] { $n } octets
}
parked-behind = attend derrière { $n }
parked-reason = Raison
parked-since = Mis de côté le
parked-retry = Réessayer sa discussion
parked-bytes-title = Tel que reçu
parked-base64 = Ce n’est pas de l’UTF-8 ; affiché en Base64.
parked-drop = L’abandonner définitivement
parked-why = Pourquoi
parked-confirm = Ce rôle ne le prendra jamais ; le reste de sa discussion continue.
parked-confirm-first = Rien n’a été abandonné : dites pourquoi et confirmez.
outcome-handled = Il a été pris, ainsi que ce qui attendait derrière lui.
outcome-parked = Il a été refusé à nouveau.
outcome-running = Un essai est en cours ; revenez plus tard.
outcome-dropped = Il a été abandonné.
