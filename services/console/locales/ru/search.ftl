search-title = Поиск
search-words = Слова
search-help = «одно два» ищет слова подряд, модер* — слова с таким началом, -слово исключает, OR — одно из двух.
search-site = Сайт
search-all = все
search-any = не важно
search-type = Вид
search-status = Состояние
search-order = Порядок
search-author = Идентификатор автора
search-article = Идентификатор статьи
search-label = Метка
search-language = Язык
search-search = Искать
search-found = { $n ->
    [0] Ничего не найдено
    [one] Найден { $n } результат
    [few] Найдено { $n } результата
    [many] Найдено { $n } результатов
   *[other] Найдено { $n } результата
}
search-catching-up = Индекс ещё строится и содержит не всё.
search-off = Поиск по архиву сейчас недоступен или здесь отключён.
type-comment = комментарии
type-article = статьи
sort-relevance = сначала подходящие
sort-newest = сначала новые
sort-oldest = сначала старые
