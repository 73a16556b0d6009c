audit-title = Audit log
audit-verified = { $n ->
    [one] The chain is whole: { $n } record. Its last link:
   *[other] The chain is whole: { $n } records. Its last link:
}
audit-damaged = The journal is damaged: see the log of the console.
audit-by = Who
audit-act = What
audit-table = The same as a table (CSV)
act-signed_in = signed in
act-sign_in_refused = sign-in refused
act-signed_out = signed out
act-decided = decided a case
act-undone = undid a decision
act-added = added an account
act-changed = changed an account
act-link_made = made a password link
act-password_set = set a password
act-settings_changed = changed settings
act-retried = tried a parked event again
act-dropped = dropped a parked event
act-sanctioned = took a measure against an author
act-escalated = escalated a case
act-sessions_ended = ended sessions
act-second_step_set = set up a second step
act-second_step_off = took a second step away
act-code_used = used a code
act-token_made = made a token
act-token_ended = ended a token
act-token_used = used a token
act-called = changed something by a program
act-linked = linked an account to a provider
act-texts_changed = changed the texts for authors
act-webhook = did something with a webhook
