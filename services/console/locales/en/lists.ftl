# The lists of the rules.
lists-title = Lists
lists-look = Look for a term or a text
lists-look-button = Look
lists-hits = This text hits:
lists-no-hits = This text hits no list.
lists-list = List
lists-language = Language
lists-how = Matching
lists-terms = Terms
lists-where = Where
lists-found = Found
lists-count = { $n ->
    [one] { $n } term
   *[other] { $n } terms
}
lists-remove = Terms to remove
lists-add = Terms to add, one a line, with options as in “scheiß [prefix]”
lists-save = Save and make live
lists-inline = The terms of this list stand among the rules: change them there.
lists-back = To the lists
