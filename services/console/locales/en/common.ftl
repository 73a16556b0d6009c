# What several pages say.
common-skip = Skip to the content
common-console = Console
common-sign-out = Sign out
common-close = Close
common-save = Save
common-to-queue = To the queue
common-erased = The words were erased.
common-all = all
common-yes = yes
common-reported = { $n ->
    [one] { $n } reported
   *[other] { $n } reported
}
common-with = with { $name }
common-until = until { $time }
common-blur = Blur words
common-from = From
common-to = To
common-show = Show
common-nothing = There is nothing here.
common-bad-day = A day is written as 2026-11-24.

# The navigation.
nav-queue = Queue
nav-rules = Rules
nav-lists = Lists
nav-insights = Insights
nav-tokens = Tokens
nav-search = Search
nav-decisions = Decisions
nav-appeals = Appeals
nav-texts = Texts
nav-transparency = Transparency
nav-audit = Audit log
nav-parked = Parked
nav-rejections = Refused
nav-webhooks = Webhooks
nav-sites = Sites
nav-users = Accounts
nav-results = Results
nav-rulebook = Rulebook
nav-operation = Operation
nav-management = Management

# The list of keys.
keys-title = Keys
keys-enter = Enter
keys-digit = and a digit
keys-move = next, previous case of the queue
keys-open = open the case
keys-work = work on the case
keys-approve = approve
keys-reject = reject, for the reason with this number
keys-back = back to the queue
keys-blur = blur words, or show them
keys-list = this list

# Ages.
age-now = just now
age-minutes = { $n ->
    [one] { $n } min ago
   *[other] { $n } min ago
}
age-hours = { $n ->
    [one] { $n } h ago
   *[other] { $n } h ago
}
age-days = { $n ->
    [one] { $n } day ago
   *[other] { $n } days ago
}

# What was just done.
done-approve = The comment before was approved.
done-reject = The comment before was rejected.
done-undo = The decision was undone, and the case is open again.
done-undo-button = Undo
done-look = Look at it

# Codes of the system.
verdict-approve = approved
verdict-hold = held
verdict-reject = rejected
opening-rules = held by rules
opening-reported = reported by readers
opening-appeal = appealed by the author
status-open = open
status-closed = closed
status-unknown = unknown
status-pending = pending
status-approved = approved
status-rejected = rejected
status-withdrawn = taken back
status-published = published
status-removed = taken down
status-hidden = not for you
status-not_captured = never captured
role-viewer = viewer
role-moderator = moderator
role-editor = editor
role-auditor = auditor
role-admin = admin
ground-terms = terms
ground-legal = law
mode-live = live
mode-shadow = shadow
sanction-warn = warning
sanction-premoderate = moderation before publication
sanction-suspend = suspension
sanction-ban = ban
sanction-lift = lifted
reason-insult = Insult
reason-hate = Hatred
reason-hate_speech = Hate speech
reason-threat = Threat
reason-harassment = Harassment
reason-privacy = Privacy
reason-misinformation = Misinformation
reason-spam = Spam
reason-off_topic = Off topic
report-offensive = offensive
report-spam = spam
report-harassment = harassment
report-hate = hatred
report-illegal = illegal
report-misinformation = misinformation
report-off_topic = off topic
report-other = something else

# What another role answers instead of what was asked for.
problem-case_closed = The case is closed by now.
problem-version_conflict = The case has changed since you saw it. It is shown as it is now.
problem-erased = The comment’s words were erased.
problem-claimed = Somebody else works on this case.
problem-too_many_notes = The case has as many notes as it may have ({ $limit }).
problem-not_by_moderator = Rules made this decision: decide its case instead.
problem-superseded = Another decision stands by now.
problem-case_open = The case is open again: decide it.
problem-withdrawn = The author has taken the comment back.
problem-too_late = Decisions can be undone for a time ({ $limit }), and that is over.
problem-same_moderator = The author appeals against your own decision: another moderator has to decide it.
problem-appeal_closed = There is nothing to decide about this appeal any more.
problem-precondition_failed = Somebody else has changed this since you saw it. What you typed is kept below; load the page anew to see theirs.
problem-undo_off = Decisions can’t be undone here.
problem-rules_changed = Somebody else has changed the rules meanwhile: look at them, and try again.
problem-backtest_running = Another backtest runs: wait for its end.
problem-no_such_term = A term to remove is not in the list any more.

# What went wrong.
fault-not-found = Nothing here
fault-not-found-text = There is nothing at this address, or it is not for you.
fault-method = Not so
fault-method-text = This address is not used like that.
fault-signed-out = Signed out
fault-signed-out-text = You are signed out.
fault-not-done = Not done
fault-forged-text = Nothing was done, since the form did not come from a page of the console that is still open. Load the page again and repeat what you did.
fault-too-large = Too long
fault-too-large-text = A form has at most 64 KiB.
fault-forbidden = Not allowed
fault-forbidden-text = You may not do this. It needs another role, or other sites.
fault-role-text = This needs the role “{ $role }”.
fault-unavailable = No answer
fault-unavailable-text = A part of the system does not answer at the moment. Nothing is lost; try again soon.
fault-internal = An error
fault-internal-text = Something is broken; the cause is in the log.

# Keys, what was done, and categories of the Transparency Database.
keys-undo = undo what was just done
keys-pick = tick a case of the queue, with Shift all from the last one
done-measure = The measure is in force.
category-animal_welfare = animal welfare
category-consumer_information = consumer information
category-cyber_violence = cyber violence
category-cyber_violence_against_women = cyber violence against women
category-data_protection_and_privacy_violations = data protection and privacy
category-illegal_or_harmful_speech = illegal or harmful speech
category-intellectual_property_infringements = intellectual property
category-negative_effects_on_civic_discourse_or_elections = civic discourse or elections
category-other_violation_tc = other violation of the terms
category-protection_of_minors = protection of minors
category-risk_for_public_security = risk for public security
category-scams_and_fraud = scams and fraud
category-self_harm = self-harm
category-unsafe_and_prohibited_products = unsafe and prohibited products
category-violence = violence
