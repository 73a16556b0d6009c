parked-title = Zurückgestellt
parked-one = Zurückgestelltes Ereignis
parked-help = Was eine Rolle nicht nehmen konnte, bleibt hier in seiner Reihenfolge, mit allem, was später in derselben Diskussion kam.
parked-nothing = Nichts ist zurückgestellt.
parked-unknown = Diese Rolle kann nicht gefragt werden: Sie antwortet nicht, oder die Konsole hat kein Token für sie.
parked-attempts = { $n ->
    [0] noch nicht versucht
    [one] { $n } Versuch
   *[other] { $n } Versuche
}
parked-bytes = { $n ->
    [one] { $n } Byte
   *[other] { $n } Byte
}
parked-behind = wartet hinter { $n }
parked-reason = Grund
parked-since = Zurückgestellt
parked-retry = Diskussion erneut versuchen
parked-bytes-title = Wie es kam
parked-base64 = Es ist kein UTF-8 und wird als Base64 gezeigt.
parked-drop = Endgültig verwerfen
parked-why = Warum
parked-confirm = Diese Rolle nimmt es nie mehr; der Rest seiner Diskussion läuft weiter.
parked-confirm-first = Nichts wurde verworfen: Sagen Sie, warum, und bestätigen Sie es.
outcome-handled = Es wurde genommen, und was dahinter wartete, auch.
outcome-parked = Es wurde wieder abgewiesen.
outcome-running = Der Versuch läuft noch; sehen Sie später nach.
outcome-dropped = Es wurde verworfen.
