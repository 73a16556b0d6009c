bulk-title = Mehrere Fälle zugleich
bulk-none = Es wurde nichts getan: Wählen Sie mindestens einen Fall.
bulk-nothing = Hier ist nichts zu entscheiden.
bulk-would = { $n ->
    [one] { $n } Fall würde entschieden.
   *[other] { $n } Fälle würden entschieden.
}
bulk-untick = Nehmen Sie das Häkchen weg, wo das nicht sein soll. Es geschieht nichts, bevor Sie unten eine Schaltfläche drücken.
bulk-more = Es gibt noch mehr. Entscheiden Sie diese, und fragen Sie erneut.
bulk-approve = Alle angehakten freigeben
bulk-reject = Alle angehakten ablehnen
bulk-approved = { $n ->
    [one] { $n } Kommentar wurde freigegeben.
   *[other] { $n } Kommentare wurden freigegeben.
}
bulk-rejected = { $n ->
    [one] { $n } Kommentar wurde abgelehnt.
   *[other] { $n } Kommentare wurden abgelehnt.
}
bulk-undone = { $n ->
    [one] { $n } Entscheidung wurde zurückgenommen; ihr Fall ist wieder offen.
   *[other] { $n } Entscheidungen wurden zurückgenommen; ihre Fälle sind wieder offen.
}
bulk-undo = Alles zurücknehmen
bulk-left-out = { $n ->
    [one] { $n } Fall bleibt außen vor
   *[other] { $n } Fälle bleiben außen vor
}

# Why a case is left out.
left-not_found = diesen Fall gibt es nicht, oder er ist nicht für Sie
left-case_closed = er ist inzwischen geschlossen
left-claimed = jemand anders arbeitet daran
left-version_conflict = er hat sich geändert, seit Sie ihn gesehen haben
left-erased = der Text des Kommentars wurde gelöscht
left-not_by_moderator = Regeln haben entschieden
left-forbidden = jemand anders hat ihn entschieden
left-superseded = inzwischen gilt eine andere Entscheidung
left-case_open = der Fall ist wieder offen
left-withdrawn = der Autor hat den Kommentar zurückgezogen
left-too_late = die Zeit, in der das zurückgenommen werden kann, ist vorbei
left-undo_off = Entscheidungen können hier nicht zurückgenommen werden
