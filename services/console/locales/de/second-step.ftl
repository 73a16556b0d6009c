second-step-title = Zweiter Schritt
second-step-none = Sie melden sich mit Ihrem Passwort allein an.
second-step-on = Sie melden sich mit Ihrem Passwort und einem Code an.
second-step-spare = { $n ->
    [one] { $n } Ersatzcode ist übrig.
   *[other] { $n } Ersatzcodes sind übrig.
}
second-step-how = Eine Authentifizierungs-App auf Ihrem Telefon zeigt alle 30 Sekunden einen neuen Code. Lassen Sie sie dieses Bild lesen und tippen Sie den Code ein, den sie zeigt.
second-step-picture = QR-Code für eine Authentifizierungs-App
second-step-type = Oder tippen Sie dies dort ein:
second-step-code = Code
second-step-code-or-spare = Code Ihrer App oder ein Ersatzcode
second-step-set-up = Einrichten
second-step-off = Abschalten
second-step-codes = Ersatzcodes
second-step-codes-text = Jeder gilt einmal anstelle Ihrer App. Sie werden nur dieses eine Mal gezeigt: Bewahren Sie sie dort auf, wo Sie sie ohne Ihr Telefon finden.
second-step-required = Ihre Rolle verlangt einen zweiten Schritt: Richten Sie ihn ein, um fortzufahren.
second-step-wrong = Der Code ist falsch oder wurde schon benutzt.
second-step-late = Das hat zu lange gedauert, oder es waren zu viele falsche Codes: Beginnen Sie von vorn.
second-step-again = Von vorn beginnen
