search-title = Search
search-words = Words
search-help = “one two” finds words next to each other, moder* words that begin so, -word leaves out, OR either.
search-site = Site
search-all = all
search-any = any
search-type = Kind
search-status = State
search-order = Order
search-author = Author’s id
search-article = Article’s id
search-label = Label
search-language = Language
search-search = Search
search-found = { $n ->
    [0] Nothing was found
    [one] { $n } found
   *[other] { $n } found
}
search-catching-up = The index is being built and has not everything yet.
search-off = The archive can’t be searched at the moment, or not at all here.
type-comment = comments
type-article = articles
sort-relevance = best first
sort-newest = newest first
sort-oldest = oldest first
