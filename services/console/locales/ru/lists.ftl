# Списки правил.
lists-title = Списки
lists-look = Искать слово или текст
lists-look-button = Искать
lists-hits = Этот текст совпадает с:
lists-no-hits = Этот текст не совпадает ни с одним списком.
lists-list = Список
lists-language = Язык
lists-how = Сопоставление
lists-terms = Слова
lists-where = Где
lists-found = Найдено
lists-count = { $n ->
    [one] { $n } слово
    [few] { $n } слова
   *[many] { $n } слов
}
lists-remove = Слова для удаления
lists-add = Слова для добавления, по одному в строке, с параметрами, как «scheiß [prefix]»
lists-save = Сохранить и ввести в действие
lists-inline = Слова этого списка записаны среди правил: изменяйте их там.
lists-back = К спискам
