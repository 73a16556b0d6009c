# Die Regeln: was gilt, Fassungen, Editor und Rückrechnungen.
rules-title = Regeln
rules-version = Fassung { $hash }
rules-by = von { $name }
rules-edit = Regeln bearbeiten
rules-versions = Fassungen
rules-folder-wrong = Der Ordner der Regeln hat Fehler; was galt, gilt weiter
rules-days = Gezählt sind die letzten 30 Tage, in UTC.
rules-rule = Regel
rules-mode = Modus
rules-verdict = Urteil
rules-hits = Treffer
rules-shadow-hits = Treffer zur Probe
rules-breaker = Sicherung
rules-of = { $n ->
    [one] von { $n } Entscheidung
   *[other] von { $n } Entscheidungen
}
rules-results = Ergebnisse einer Regel
rules-labels = Kennzeichen
rules-place = Stelle
rules-told = Was Leser erfahren
rules-did = Was sie getan hat
rules-would = Zur Probe hätte sie verlangt: { $verdict }.
rules-instead = Die Entscheidungen über diese Kommentare waren:
rules-change-mode = Modus ändern
rules-percent = in einem Teil der Diskussionen
rules-share = Anteil in Prozent
rules-note = Notiz
rules-reset = Wieder ablehnen lassen
rules-back = Zu den Regeln
rules-compare = Vergleichen
rules-compare-from = Vergleichen ab { $hash }
rules-compare-to = Vergleichen bis { $hash }
rules-number = Nr.
rules-from = Von
rules-to = Bis
rules-when = Wann
rules-who = Wer
rules-way-back = Weg zurück
rules-rollback = Wieder in Kraft setzen
rules-older = Ältere Fassungen
rules-difference = Unterschied
rules-same = Nichts unterscheidet sich.
rules-began = Sie haben mit Fassung { $hash } begonnen.
rules-saved = Gespeichert: Das gilt jetzt.
rules-stale = Jemand anderes hat die Regeln inzwischen geändert. Es wurde nichts gespeichert, und nichts von Ihren Eingaben ist verloren.
rules-stale-look = Ansehen, was geändert wurde
rules-rebase = Meine Änderungen darüberlegen und den Unterschied zeigen
rules-files = Dateien
rules-changed = geändert
rules-new-file = Neue Datei
rules-new-path = Pfad im Ordner der Regeln
rules-add-file = Hinzufügen
rules-text-of = Text von { $file }
rules-check = Prüfen
rules-check-result = Ergebnis der Prüfung
rules-show-difference = Unterschied zeigen
rules-is-live = Das ist, was gilt.
rules-valid = { $n ->
    [one] Das kann in Kraft treten, mit { $n } Regel.
   *[other] Das kann in Kraft treten, mit { $n } Regeln.
}
rules-examples-pass = { $n ->
    [one] Das { $n } Beispiel stimmt.
   *[other] Alle { $n } Beispiele stimmen.
}
rules-invalid = { $n ->
    [one] { $n } Fehler: Das kann nicht in Kraft treten.
   *[other] { $n } Fehler: Das kann nicht in Kraft treten.
}
rules-examples = { $n ->
    [one] { $n } Beispiel
   *[other] { $n } Beispiele
}
rules-failing = { $n ->
    [one] { $n } schlägt fehl
   *[other] { $n } schlagen fehl
}
rules-should-fire = soll auslösen
rules-should-pass = soll nicht auslösen
rules-lint = { $n ->
    [one] { $n } Stelle, die vielleicht nicht so gemeint ist
   *[other] { $n } Stellen, die vielleicht nicht so gemeint sind
}
rules-unused = Nicht verwendet und nicht gespeichert: { $files }
rules-try = Einen Text probieren
rules-try-text = Text eines Kommentars
rules-try-author = Über den Autor
rules-try-language = Sprache (Kürzel)
rules-try-approved = Bisher freigegeben
rules-try-rejected = Bisher abgelehnt
rules-try-sanction = Sanktion
rules-try-trusted = Vertraut
rules-try-button = Beurteilen
rules-took = { $n ->
    [one] { $n } Mikrosekunde
   *[other] { $n } Mikrosekunden
}
rules-missing = Zurückgehalten, weil das fehlt: { $what }
rules-backtest = Rückrechnung
rules-backtest-help = Was das aus den Kommentaren der letzten Tage gemacht hätte, verglichen mit dem, was gilt.
rules-backtest-days = Tage
rules-backtest-button = Starten
rules-runs = Läuft, für { $name }.
rules-progress = Fortschritt
rules-look-again = Noch einmal nachsehen
rules-own-page = Auf eigener Seite
rules-cancel = Abbrechen
rules-cancelled = Sie wurde abgebrochen.
rules-failed = Sie ist gescheitert; die Ursache steht im Protokoll.
rules-compared = { $n ->
    [one] { $n } Kommentar wurde verglichen.
   *[other] { $n } Kommentare wurden verglichen.
}
rules-flips = { $n ->
    [one] { $n } Urteil würde sich ändern.
   *[other] { $n } Urteile würden sich ändern.
}
rules-matrix = Urteile jetzt und nach dem Entwurf
rules-now = Jetzt ↓ Entwurf →
rules-agreement = Übereinstimmung mit Entscheidungen der Moderatoren
rules-measure = Maß
rules-live-set = Geltend
rules-draft = Entwurf
rules-precision = Genauigkeit, zurückgehalten oder abgelehnt
rules-recall = Trefferquote, zurückgehalten oder abgelehnt
rules-precision-strict = Genauigkeit, abgelehnt
rules-recall-strict = Trefferquote, abgelehnt
rules-stricter = Strenger
rules-milder = Milder
rules-comments = Kommentare
rules-flips-by-day = Urteile, die sich ändern, nach Tag
rules-flips-by-rule = Urteile, die sich ändern, nach Regel
rules-save = Speichern
rules-save-help = Zur Probe werden neue und geänderte Regeln nur aufgezeichnet; eine geänderte Regel wirkt dann nicht, auch nicht in ihrer früheren Form.
rules-save-shadow = Zur Probe speichern
rules-save-live = Speichern und in Kraft setzen
rules-not-all = Regeln gelten für alle Websites: Nur ein Redakteur aller Websites kann sie speichern.
breaker-open = ausgelöst: sie hält zurück
breaker-closed = in Ordnung
how-start = beim Start
how-folder = aus dem Ordner
how-reload = neu gelesen
how-put = gespeichert
how-rollback = Weg zurück
change-added = hinzugefügt
change-removed = entfernt
change-changed = geändert
fate-acted = hat gewirkt
fate-recorded = nur aufgezeichnet
fate-skipped = übersprungen
fate-failed = gescheitert
