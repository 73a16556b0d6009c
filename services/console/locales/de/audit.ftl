audit-title = Prüfprotokoll
audit-verified = { $n ->
    [one] Die Kette ist unversehrt: { $n } Eintrag. Ihr letztes Glied:
   *[other] Die Kette ist unversehrt: { $n } Einträge. Ihr letztes Glied:
}
audit-damaged = Das Journal ist beschädigt: siehe das Protokoll der Konsole.
audit-by = Wer
audit-act = Was
audit-table = Dasselbe als Tabelle (CSV)
act-signed_in = angemeldet
act-sign_in_refused = Anmeldung abgewiesen
act-signed_out = abgemeldet
act-decided = Fall entschieden
act-undone = Entscheidung zurückgenommen
act-added = Konto angelegt
act-changed = Konto geändert
act-link_made = Passwort-Link erstellt
act-password_set = Passwort gesetzt
act-settings_changed = Einstellungen geändert
act-retried = Zurückgestelltes erneut versucht
act-dropped = Zurückgestelltes verworfen
act-sanctioned = Maßnahme gegen einen Autor
act-escalated = Fall vorgezogen
act-sessions_ended = Sitzungen beendet
act-second_step_set = zweiter Schritt eingerichtet
act-second_step_off = zweiter Schritt entfernt
act-code_used = Code benutzt
act-token_made = Token erstellt
act-token_ended = Token beendet
act-token_used = Token benutzt
act-called = Änderung durch ein Programm
act-linked = Konto mit einem Anbieter verbunden
act-texts_changed = Texte an Autoren geändert
act-webhook = hat etwas mit einem Webhook getan
