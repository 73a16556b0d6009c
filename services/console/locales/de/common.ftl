# Was mehrere Seiten sagen.
common-skip = Zum Inhalt springen
common-console = Konsole
common-sign-out = Abmelden
common-close = Schließen
common-save = Speichern
common-to-queue = Zur Warteschlange
common-erased = Der Text wurde gelöscht.
common-all = alle
common-yes = ja
common-reported = { $n ->
    [one] { $n } Meldung
   *[other] { $n } Meldungen
}
common-with = bei { $name }
common-until = bis { $time }
common-blur = Texte unscharf
common-from = Von
common-to = Bis
common-show = Anzeigen
common-nothing = Hier ist nichts.
common-bad-day = Ein Tag wird als 2026-11-24 geschrieben.

# Die Navigation.
nav-queue = Warteschlange
nav-rules = Regeln
nav-lists = Listen
nav-insights = Zahlen
nav-tokens = Token
nav-search = Suche
nav-decisions = Entscheidungen
nav-appeals = Beschwerden
nav-texts = Texte
nav-transparency = Transparenz
nav-audit = Prüfprotokoll
nav-parked = Zurückgestellt
nav-rejections = Abgewiesen
nav-webhooks = Webhooks
nav-sites = Websites
nav-users = Konten
nav-results = Auswertung
nav-rulebook = Regelwerk
nav-operation = Betrieb
nav-management = Verwaltung

# Die Liste der Tasten.
keys-title = Tasten
keys-enter = Eingabe
keys-digit = und eine Ziffer
keys-move = nächster, voriger Fall der Warteschlange
keys-open = den Fall öffnen
keys-work = den Fall übernehmen
keys-approve = freigeben
keys-reject = ablehnen, aus dem Grund mit dieser Nummer
keys-back = zurück zur Warteschlange
keys-blur = Kommentare unscharf oder lesbar
keys-list = diese Liste

# Alter.
age-now = gerade eben
age-minutes = { $n ->
    [one] vor { $n } Min.
   *[other] vor { $n } Min.
}
age-hours = { $n ->
    [one] vor { $n } Std.
   *[other] vor { $n } Std.
}
age-days = { $n ->
    [one] vor { $n } Tag
   *[other] vor { $n } Tagen
}

# Was eben getan wurde.
done-approve = Der vorige Kommentar wurde freigegeben.
done-reject = Der vorige Kommentar wurde abgelehnt.
done-undo = Die Entscheidung wurde rückgängig gemacht; der Fall ist wieder offen.
done-undo-button = Rückgängig machen
done-look = Noch einmal ansehen

# Kennungen des Systems.
verdict-approve = freigegeben
verdict-hold = zurückgehalten
verdict-reject = abgelehnt
opening-rules = von Regeln zurückgehalten
opening-reported = von Lesern gemeldet
opening-appeal = Beschwerde des Autors
status-open = offen
status-closed = geschlossen
status-unknown = unbekannt
status-pending = wartet
status-approved = freigegeben
status-rejected = abgelehnt
status-withdrawn = zurückgezogen
status-published = veröffentlicht
status-removed = entfernt
status-hidden = nicht sichtbar
status-not_captured = nie erfasst
role-viewer = Leser
role-moderator = Moderator
role-editor = Regelredakteur
role-auditor = Prüfer
role-admin = Administrator
ground-terms = Nutzungsbedingungen
ground-legal = Gesetz
mode-live = in Kraft
mode-shadow = zur Probe
sanction-warn = Verwarnung
sanction-premoderate = Moderation vor der Veröffentlichung
sanction-suspend = Sperre auf Zeit
sanction-ban = Ausschluss
sanction-lift = aufgehoben
reason-insult = Beleidigung
reason-hate = Hass
reason-hate_speech = Hassrede
reason-threat = Drohung
reason-harassment = Belästigung
reason-privacy = Privatsphäre
reason-misinformation = Falschinformation
reason-spam = Spam
reason-off_topic = Nicht zum Thema
report-offensive = anstößig
report-spam = Spam
report-harassment = Belästigung
report-hate = Hass
report-illegal = rechtswidrig
report-misinformation = Falschinformation
report-off_topic = nicht zum Thema
report-other = etwas anderes

# Was ein anderer Teil des Systems statt des Verlangten antwortet.
problem-case_closed = Der Fall ist inzwischen geschlossen.
problem-version_conflict = Der Fall hat sich geändert, seit Sie ihn gesehen haben. Hier steht er, wie er jetzt ist.
problem-erased = Der Text des Kommentars wurde gelöscht.
problem-claimed = Jemand anderes bearbeitet diesen Fall.
problem-too_many_notes = Der Fall hat so viele Notizen, wie er haben darf ({ $limit }).
problem-not_by_moderator = Diese Entscheidung haben Regeln getroffen: Entscheiden Sie stattdessen den Fall.
problem-superseded = Inzwischen gilt eine andere Entscheidung.
problem-case_open = Der Fall ist wieder offen: Entscheiden Sie ihn.
problem-withdrawn = Der Autor hat den Kommentar zurückgezogen.
problem-too_late = Entscheidungen lassen sich eine Zeit lang rückgängig machen ({ $limit }), und die ist vorbei.
problem-same_moderator = Der Autor beschwert sich über Ihre eigene Entscheidung: Jemand anders muss entscheiden.
problem-appeal_closed = Über diese Beschwerde gibt es nichts mehr zu entscheiden.
problem-precondition_failed = Jemand anders hat das geändert, seit Sie es gesehen haben. Ihre Eingabe steht noch unten; laden Sie die Seite neu, um die andere zu sehen.
problem-undo_off = Entscheidungen lassen sich hier nicht rückgängig machen.
problem-rules_changed = Jemand anderes hat die Regeln inzwischen geändert: Sehen Sie sie an und versuchen Sie es noch einmal.
problem-backtest_running = Eine andere Rückrechnung läuft: Warten Sie ihr Ende ab.
problem-no_such_term = Ein Begriff, der entfernt werden soll, steht nicht mehr in der Liste.

# Was nicht ging.
fault-not-found = Hier ist nichts
fault-not-found-text = Unter dieser Adresse ist nichts, oder es ist nicht für Sie.
fault-method = So nicht
fault-method-text = Diese Adresse wird nicht so verwendet.
fault-signed-out = Abgemeldet
fault-signed-out-text = Sie sind abgemeldet.
fault-not-done = Nicht geschehen
fault-forged-text = Es ist nichts geschehen, denn das Formular kam nicht von einer noch offenen Seite der Konsole. Laden Sie die Seite neu und wiederholen Sie, was Sie getan haben.
fault-too-large = Zu lang
fault-too-large-text = Ein Formular hat höchstens 64 KiB.
fault-forbidden = Nicht erlaubt
fault-forbidden-text = Das dürfen Sie nicht. Es verlangt eine andere Rolle oder andere Websites.
fault-role-text = Das verlangt die Rolle „{ $role }“.
fault-unavailable = Keine Antwort
fault-unavailable-text = Ein Teil des Systems antwortet im Moment nicht. Es ist nichts verloren; versuchen Sie es bald wieder.
fault-internal = Ein Fehler
fault-internal-text = Etwas ist kaputt; die Ursache steht im Protokoll.

# Keys, what was done, and categories of the Transparency Database.
keys-undo = das eben Getane zurücknehmen
keys-pick = einen Fall der Liste anhaken, mit Umschalt alle seit dem letzten
done-measure = Die Maßnahme gilt.
category-animal_welfare = Tierschutz
category-consumer_information = Verbraucherinformation
category-cyber_violence = Cybergewalt
category-cyber_violence_against_women = Cybergewalt gegen Frauen
category-data_protection_and_privacy_violations = Datenschutz und Privatsphäre
category-illegal_or_harmful_speech = rechtswidrige oder schädliche Äußerungen
category-intellectual_property_infringements = geistiges Eigentum
category-negative_effects_on_civic_discourse_or_elections = öffentliche Debatte oder Wahlen
category-other_violation_tc = sonstiger Verstoß gegen die Bedingungen
category-protection_of_minors = Schutz Minderjähriger
category-risk_for_public_security = Gefahr für die öffentliche Sicherheit
category-scams_and_fraud = Betrug
category-self_harm = Selbstverletzung
category-unsafe_and_prohibited_products = unsichere und verbotene Produkte
category-violence = Gewalt
