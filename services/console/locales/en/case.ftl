case-title = Case
case-by = Comment by { $name }
case-platform = on the platform
case-thread = the whole thread
case-work = Work on it
case-release = Give it back
case-answers = What it answers
case-decision = Decision
case-approve = Approve
case-reject-because = Reject because of
case-reject = Reject
case-press-number = Reject: press the number of the reason.
case-notes = Notes
case-note = Add a note
case-add = Add
case-beside = Other answers to the same comment
case-known = What is known
case-author = Author
case-approved = Approved
case-held = Held
case-rejected = Rejected
case-first-seen = First seen
case-trusted = Trusted
case-id = Id
case-under = Now under: { $sanction }
case-under-until = until { $time }
case-sanctions = Sanctions
case-sanction-by = by { $name }
case-reports = Reports
case-reports-all = { $n ->
    [0] Nobody reported it.
    [one] { $n } in all.
   *[other] { $n } in all.
}
case-reports-open = { $n ->
    [one] { $n } since the last decision.
   *[other] { $n } since the last decision.
}
case-reports-weight = Their weight is { $n }.
case-reports-reasons = Reasons: { $reasons }.
case-decisions = Decisions
case-by-name = by { $name }
case-by-rules = by rules
case-choose-reason = Nothing was decided: choose a reason for a rejection.
case-not-decided = Nothing was decided by you. { $why }
case-not-undone = Nothing was undone. { $why }
case-not-done = Nothing was done. { $why }
case-works = { $name } works on it.
case-theirs = { $name } works on it: you can decide it when that is over, or when it is given back.
case-take = Take it over
case-more = More
case-all-of-author = All that waits of this author
case-all-below = This comment and all that answers it
case-escalate = Have it looked at before others
case-escalate-note = Why (a note for others, if you like)
case-calm = Put it back to its place
