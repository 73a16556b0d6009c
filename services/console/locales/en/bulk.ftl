bulk-title = Several cases at once
bulk-none = Nothing was done: choose at least one case.
bulk-nothing = There is nothing to decide here.
bulk-would = { $n ->
    [one] { $n } case would be decided.
   *[other] { $n } cases would be decided.
}
bulk-untick = Untick what is not to be. Nothing is done before you press a button below.
bulk-more = There are more. Decide these, and ask again.
bulk-approve = Approve all that are ticked
bulk-reject = Reject all that are ticked
bulk-approved = { $n ->
    [one] { $n } comment was approved.
   *[other] { $n } comments were approved.
}
bulk-rejected = { $n ->
    [one] { $n } comment was rejected.
   *[other] { $n } comments were rejected.
}
bulk-undone = { $n ->
    [one] { $n } decision was undone; its case is open again.
   *[other] { $n } decisions were undone; their cases are open again.
}
bulk-undo = Undo all of it
bulk-left-out = { $n ->
    [one] { $n } case is left out
   *[other] { $n } cases are left out
}

# Why a case is left out.
left-not_found = there is no such case, or it is not for you
left-case_closed = it is closed by now
left-claimed = somebody else works on it
left-version_conflict = it has changed since you saw it
left-erased = the comment’s words were erased
left-not_by_moderator = rules made the decision
left-forbidden = somebody else decided it
left-superseded = another decision stands by now
left-case_open = the case is open again
left-withdrawn = the author has taken the comment back
left-too_late = the time in which it can be undone is over
left-undo_off = decisions can’t be undone here
