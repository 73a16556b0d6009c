# Rules: what is live, versions, the editor and backtests.
rules-title = Rules
rules-version = Version { $hash }
rules-by = by { $name }
rules-edit = Edit the rules
rules-versions = Versions
rules-folder-wrong = The folder of the rules has errors; what was live stays live
rules-days = Counts are of the last 30 days, in UTC.
rules-rule = Rule
rules-mode = Mode
rules-verdict = Verdict
rules-hits = Hits
rules-shadow-hits = Hits in shadow
rules-breaker = Breaker
rules-of = { $n ->
    [one] of { $n } decision
   *[other] of { $n } decisions
}
rules-results = Results of a rule
rules-labels = Labels
rules-place = Place
rules-told = What readers are told
rules-did = What it did
rules-would = In shadow, it would have asked for: { $verdict }.
rules-instead = The decisions about these comments were:
rules-change-mode = Change the mode
rules-percent = in a share of threads
rules-share = Share in percent
rules-note = Note
rules-reset = Let it reject again
rules-back = To the rules
rules-compare = Compare
rules-compare-from = Compare from { $hash }
rules-compare-to = Compare to { $hash }
rules-number = No.
rules-from = From
rules-to = To
rules-when = When
rules-who = Who
rules-way-back = Way back
rules-rollback = Make live again
rules-older = Older versions
rules-difference = Difference
rules-same = Nothing differs.
rules-began = You began with version { $hash }.
rules-saved = Saved: this is live now.
rules-stale = Somebody else has changed the rules meanwhile. Nothing was saved, and nothing of what you typed is lost.
rules-stale-look = See what they changed
rules-rebase = Put my changes over theirs, and show the difference
rules-files = Files
rules-changed = changed
rules-new-file = New file
rules-new-path = Path in the folder of the rules
rules-add-file = Add
rules-text-of = Text of { $file }
rules-check = Check
rules-check-result = What the check found
rules-show-difference = Show the difference
rules-is-live = This is what is live.
rules-valid = { $n ->
    [one] It could become live, with { $n } rule.
   *[other] It could become live, with { $n } rules.
}
rules-examples-pass = { $n ->
    [one] Its { $n } example passes.
   *[other] All { $n } examples pass.
}
rules-invalid = { $n ->
    [one] { $n } error: it can’t become live.
   *[other] { $n } errors: it can’t become live.
}
rules-examples = { $n ->
    [one] { $n } example
   *[other] { $n } examples
}
rules-failing = { $n ->
    [one] { $n } fails
   *[other] { $n } fail
}
rules-should-fire = should fire
rules-should-pass = should not fire
rules-lint = { $n ->
    [one] { $n } thing that may not be meant
   *[other] { $n } things that may not be meant
}
rules-unused = Not used, and not saved: { $files }
rules-try = Try a text
rules-try-text = Text of a comment
rules-try-author = About its author
rules-try-language = Language (code)
rules-try-approved = Approved before
rules-try-rejected = Rejected before
rules-try-sanction = Sanction
rules-try-trusted = Trusted
rules-try-button = Judge it
rules-took = { $n ->
    [one] { $n } microsecond
   *[other] { $n } microseconds
}
rules-missing = Held because this is missing: { $what }
rules-backtest = Backtest
rules-backtest-help = What this would have made of the comments of the last days, against what is live.
rules-backtest-days = Days
rules-backtest-button = Run it
rules-runs = It runs, for { $name }.
rules-progress = Progress
rules-look-again = Look again
rules-own-page = On a page of its own
rules-cancel = Call it off
rules-cancelled = It was called off.
rules-failed = It failed; the cause is in the log.
rules-compared = { $n ->
    [one] { $n } comment was compared.
   *[other] { $n } comments were compared.
}
rules-flips = { $n ->
    [one] { $n } verdict would change.
   *[other] { $n } verdicts would change.
}
rules-matrix = Verdicts now, and by the draft
rules-now = Now ↓ draft →
rules-agreement = Agreement with moderators’ decisions
rules-measure = Measure
rules-live-set = Live
rules-draft = Draft
rules-precision = Precision, held or rejected
rules-recall = Recall, held or rejected
rules-precision-strict = Precision, rejected
rules-recall-strict = Recall, rejected
rules-stricter = Stricter
rules-milder = Milder
rules-comments = Comments
rules-flips-by-day = Verdicts that change, by day
rules-flips-by-rule = Verdicts that change, by rule
rules-save = Save
rules-save-help = In shadow, rules that are new or changed are only recorded; a changed rule does not act then, also not as it was before.
rules-save-shadow = Save in shadow
rules-save-live = Save and make live
rules-not-all = Rules are those of all sites: only an editor of all sites can save them.
breaker-open = open: it holds instead
breaker-closed = closed
how-start = at the start
how-folder = from the folder
how-reload = read again
how-put = saved
how-rollback = way back
change-added = added
change-removed = removed
change-changed = changed
fate-acted = acted
fate-recorded = recorded only
fate-skipped = skipped
fate-failed = failed
