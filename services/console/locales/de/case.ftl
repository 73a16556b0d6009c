case-title = Fall
case-by = Kommentar von { $name }
case-platform = auf der Plattform
case-thread = die ganze Diskussion
case-work = Übernehmen
case-release = Zurückgeben
case-answers = Worauf er antwortet
case-decision = Entscheidung
case-approve = Freigeben
case-reject-because = Grund der Ablehnung
case-reject = Ablehnen
case-press-number = Ablehnen: Drücken Sie die Nummer des Grundes.
case-notes = Notizen
case-note = Notiz hinzufügen
case-add = Hinzufügen
case-beside = Andere Antworten auf denselben Kommentar
case-known = Was bekannt ist
case-author = Autor
case-approved = Freigegeben
case-held = Zurückgehalten
case-rejected = Abgelehnt
case-first-seen = Zuerst gesehen
case-trusted = Vertrauenswürdig
case-id = Kennung
case-under = Zurzeit: { $sanction }
case-under-until = bis { $time }
case-sanctions = Sanktionen
case-sanction-by = von { $name }
case-reports = Meldungen
case-reports-all = { $n ->
    [0] Niemand hat ihn gemeldet.
    [one] Insgesamt { $n }.
   *[other] Insgesamt { $n }.
}
case-reports-open = { $n ->
    [one] Seit der letzten Entscheidung { $n }.
   *[other] Seit der letzten Entscheidung { $n }.
}
case-reports-weight = Ihr Gewicht ist { $n }.
case-reports-reasons = Gründe: { $reasons }.
case-decisions = Entscheidungen
case-by-name = von { $name }
case-by-rules = durch Regeln
case-choose-reason = Es wurde nichts entschieden: Wählen Sie einen Grund für die Ablehnung.
case-not-decided = Sie haben nichts entschieden. { $why }
case-not-undone = Es wurde nichts rückgängig gemacht. { $why }
case-not-done = Es ist nichts geschehen. { $why }
case-works = { $name } bearbeitet ihn.
case-theirs = { $name } arbeitet daran: Sie können entscheiden, wenn die Zeit vorbei ist oder der Fall zurückgegeben wird.
case-take = Fall übernehmen
case-more = Mehr
case-all-of-author = Alles, was von diesem Autor wartet
case-all-below = Dieser Kommentar und alles, was darauf antwortet
case-escalate = Vor anderen ansehen lassen
case-escalate-note = Warum (eine Notiz für andere, wenn Sie mögen)
case-calm = Zurück an seinen Platz
