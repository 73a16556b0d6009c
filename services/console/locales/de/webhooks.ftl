webhooks-title = Webhooks
webhook-one = Webhook
webhooks-help = Was entschieden wurde, wird signiert an diese Adressen geschickt, bis es angenommen ist.
webhooks-nothing = Die Konfiguration von moderation-rules nennt keine Webhooks.
webhook-state-up = nimmt an
webhook-state-failing = nimmt zurzeit nichts an
webhook-state-disabled = abgeschaltet
webhook-why-failing = Er ist tagelang gescheitert.
webhook-why-gone = Er hat geantwortet, dass er nichts mehr will (410).
webhook-why-operator = Jemand hat ihn abgeschaltet.
webhook-lost = Sein Stand ist nicht mehr bekannt: Er ging mit dem weiter, was danach entschieden wurde. Lassen Sie die Zeit davor noch einmal senden.
webhook-retrying = { $n ->
    [one] { $n } Ereignis wartet auf einen weiteren Versuch
   *[other] { $n } Ereignisse warten auf einen weiteren Versuch
}
webhook-ready = { $n ->
    [one] { $n } ist das nächste
   *[other] { $n } sind die nächsten
}
webhook-unread = { $n ->
    [one] { $n } Datensatz ist noch nicht gelesen
   *[other] { $n } Datensätze sind noch nicht gelesen
}
webhook-oldest = ältestes: { $time }
webhook-success = zuletzt angenommen: { $time }
webhook-failure = letzter Fehlschlag: { $time }
webhook-paused = Er wird in Ruhe gelassen bis { $time }.
webhook-next = nächster Versuch: { $time }
webhook-attempt = Versuch { $n }
webhook-ms = { $n } ms
webhook-test = Ping senden
webhook-tested = Der Ping: { $result }.
webhook-enable = Einschalten
webhook-enable-confirm = Der Empfänger ist in Ordnung: Was wartet, wird gesendet.
webhook-disable = Abschalten
webhook-disable-confirm = Nichts wird gesendet, bis ihn jemand einschaltet.
webhook-replay-title = Noch einmal senden
webhook-since = Ab diesem Tag (UTC)
webhook-given-up-alone = Nur was aufgegeben wurde
webhook-replay-confirm = Der Empfänger weiß mit Wiederholungen umzugehen.
webhook-replay = Noch einmal senden
webhook-again = Dies noch einmal senden
webhook-confirm-first = Nichts wurde getan: bestätigen Sie es.
webhookdone-enabled = Er ist eingeschaltet.
webhookdone-disabled = Er ist abgeschaltet.
webhookdone-replayed = Das Verlangte wird noch einmal gesendet.
webhook-log = Zustellungen
webhook-outcome = Danach
webhook-outcome-done = erledigt
webhook-outcome-waits = wartet
webhook-outcome-given_up = aufgegeben
webhookresult-ok = angenommen
webhookresult-timeout = keine Antwort in der Zeit
webhookresult-unreachable = nicht erreicht
webhookresult-blocked = die Adresse darf nicht benutzt werden
webhookresult-redirect = eine Weiterleitung, der nicht gefolgt wird
webhookresult-refused = abgelehnt
webhookresult-limited = zu viel auf einmal
webhookresult-failed = der Empfänger ist gescheitert
webhookresult-gone = will nichts mehr
webhookresult-erased = vorher gelöscht
webhook-acts = Was getan wurde
webhookact-began = begonnen
webhookact-forgotten = vergessen
webhookact-enabled = eingeschaltet
webhookact-disabled = abgeschaltet
webhookact-tested = ausprobiert
webhookact-replayed = noch einmal gesendet
