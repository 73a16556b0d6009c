sign-in-title = Anmelden
sign-in-name = Name
sign-in-password = Passwort
sign-in-again = Sie waren abgemeldet, deshalb ist nichts geschehen.
sign-in-wrong = Der Name oder das Passwort ist falsch.
sign-in-wait = { $n ->
    [one] Das waren zu viele Versuche: Warten Sie { $n } Sekunde.
   *[other] Das waren zu viele Versuche: Warten Sie { $n } Sekunden.
}
set-up-title = Ihr Konto einrichten
set-up-as = Sie melden sich als { $name } an.
set-up-first = Das ist das erste Konto, das die anderen anlegen kann.
set-up-id = Anmeldename
set-up-id-help = Kleinbuchstaben, Ziffern, Punkte, Bindestriche, Unterstriche. Entscheidungen nennen ihn.
set-up-full-name = Voller Name
set-up-password = Passwort
set-up-password-help = 8 bis 128 Zeichen; am besten einige Wörter, die Sie sich merken.
set-up-set = Passwort festlegen
set-up-dead = Dieser Link wurde benutzt oder ist über einen Tag alt.
set-up-no-name = Geben Sie sich einen Anmeldenamen.
password-length = Ein Passwort hat 8 bis 128 Zeichen; am besten einige Wörter, die Sie sich merken.
password-common = Dieses Passwort gehört zu den ersten, die man ausprobiert; nehmen Sie ein anderes.
password-easy = Dieses Passwort ist leicht zu erraten; nehmen Sie eines ohne Ihren Namen.
