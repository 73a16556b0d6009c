search-title = Recherche
search-words = Mots
search-help = « un deux » trouve des mots qui se suivent, moder* les mots qui commencent ainsi, -mot exclut, OR l’un ou l’autre.
search-site = Site
search-all = tous
search-any = peu importe
search-type = Type
search-status = État
search-order = Ordre
search-author = Identifiant de l’auteur
search-article = Identifiant de l’article
search-label = Étiquette
search-language = Langue
search-search = Rechercher
search-found = { $n ->
    [0] Rien n’a été trouvé
    [one] { $n } résultat
   *[other] { $n } résultats
}
search-catching-up = L’index est en cours de construction et n’a pas encore tout.
search-off = La recherche dans l’archive est indisponible pour le moment, ou désactivée ici.
type-comment = commentaires
type-article = articles
sort-relevance = les meilleurs d’abord
sort-newest = les plus récents d’abord
sort-oldest = les plus anciens d’abord
