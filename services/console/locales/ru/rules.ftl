# Правила: что действует, версии, редактор и проверки на прошлом.
rules-title = Правила
rules-version = Версия { $hash }
rules-by = от { $name }
rules-edit = Изменить правила
rules-versions = Версии
rules-folder-wrong = В папке правил есть ошибки; действует прежняя версия
rules-days = Числа — за последние 30 дней, по UTC.
rules-rule = Правило
rules-mode = Режим
rules-verdict = Вердикт
rules-hits = Срабатывания
rules-shadow-hits = Срабатывания на пробу
rules-breaker = Предохранитель
rules-of = { $n ->
    [one] из { $n } решения
    [few] из { $n } решений
   *[many] из { $n } решений
}
rules-results = Результаты правила
rules-labels = Метки
rules-place = Место
rules-told = Что узнают читатели
rules-did = Что оно сделало
rules-would = На пробу оно потребовало бы: { $verdict }.
rules-instead = Решения об этих комментариях были такими:
rules-change-mode = Изменить режим
rules-percent = в части обсуждений
rules-share = Доля в процентах
rules-note = Заметка
rules-reset = Снова разрешить отклонять
rules-back = К правилам
rules-compare = Сравнить
rules-compare-from = Сравнить начиная с { $hash }
rules-compare-to = Сравнить до { $hash }
rules-number = №
rules-from = От
rules-to = До
rules-when = Когда
rules-who = Кто
rules-way-back = Возврат
rules-rollback = Вернуть эту версию
rules-older = Более старые версии
rules-difference = Различия
rules-same = Различий нет.
rules-began = Вы начали с версии { $hash }.
rules-saved = Сохранено: теперь действует это.
rules-stale = Правила тем временем изменил кто-то другой. Ничего не сохранено, и ничего из набранного вами не потеряно.
rules-stale-look = Посмотреть, что изменено
rules-rebase = Наложить мои изменения поверх и показать различия
rules-files = Файлы
rules-changed = изменён
rules-new-file = Новый файл
rules-new-path = Путь в папке правил
rules-add-file = Добавить
rules-text-of = Текст файла { $file }
rules-check = Проверить
rules-check-result = Результат проверки
rules-show-difference = Показать различия
rules-is-live = Это действующая версия.
rules-valid = { $n ->
    [one] Это может вступить в силу: { $n } правило.
    [few] Это может вступить в силу: { $n } правила.
   *[many] Это может вступить в силу: { $n } правил.
}
rules-examples-pass = { $n ->
    [one] { $n } пример выполнен.
    [few] Все { $n } примера выполнены.
   *[many] Все { $n } примеров выполнены.
}
rules-invalid = { $n ->
    [one] { $n } ошибка: это не может вступить в силу.
    [few] { $n } ошибки: это не может вступить в силу.
   *[many] { $n } ошибок: это не может вступить в силу.
}
rules-examples = { $n ->
    [one] { $n } пример
    [few] { $n } примера
   *[many] { $n } примеров
}
rules-failing = { $n ->
    [one] { $n } не выполнен
    [few] { $n } не выполнены
   *[many] { $n } не выполнено
}
rules-should-fire = должно сработать
rules-should-pass = не должно сработать
rules-lint = { $n ->
    [one] { $n } сомнительное место
    [few] { $n } сомнительных места
   *[many] { $n } сомнительных мест
}
rules-unused = Не используются и не будут сохранены: { $files }
rules-try = Испытать текст
rules-try-text = Текст комментария
rules-try-author = Об авторе
rules-try-language = Язык (код)
rules-try-approved = Одобрено ранее
rules-try-rejected = Отклонено ранее
rules-try-sanction = Санкция
rules-try-trusted = Доверенный
rules-try-button = Оценить
rules-took = { $n ->
    [one] { $n } микросекунда
    [few] { $n } микросекунды
   *[many] { $n } микросекунд
}
rules-missing = Задержано, потому что нет: { $what }
rules-backtest = Проверка на прошлом
rules-backtest-help = Что было бы с комментариями последних дней по сравнению с действующей версией.
rules-backtest-days = Дней
rules-backtest-button = Запустить
rules-runs = Выполняется для { $name }.
rules-progress = Ход выполнения
rules-look-again = Посмотреть ещё раз
rules-own-page = На отдельной странице
rules-cancel = Прервать
rules-cancelled = Проверка прервана.
rules-failed = Не удалось; причина записана в журнале работы.
rules-compared = { $n ->
    [one] Сравнён { $n } комментарий.
    [few] Сравнено { $n } комментария.
   *[many] Сравнено { $n } комментариев.
}
rules-flips = { $n ->
    [one] Изменился бы { $n } вердикт.
    [few] Изменились бы { $n } вердикта.
   *[many] Изменилось бы { $n } вердиктов.
}
rules-matrix = Вердикты сейчас и по черновику
rules-now = Сейчас ↓ черновик →
rules-agreement = Согласие с решениями модераторов
rules-measure = Показатель
rules-live-set = Действующие
rules-draft = Черновик
rules-precision = Точность, задержанные или отклонённые
rules-recall = Полнота, задержанные или отклонённые
rules-precision-strict = Точность, отклонённые
rules-recall-strict = Полнота, отклонённые
rules-stricter = Строже
rules-milder = Мягче
rules-comments = Комментарии
rules-flips-by-day = Изменившиеся вердикты по дням
rules-flips-by-rule = Изменившиеся вердикты по правилам
rules-save = Сохранить
rules-save-help = На пробу новые и изменённые правила только записываются; изменённое правило тогда не действует, в том числе в прежнем виде.
rules-save-shadow = Сохранить на пробу
rules-save-live = Сохранить и ввести в действие
rules-not-all = Правила общие для всех сайтов: сохранить их может только редактор всех сайтов.
breaker-open = сработал: задерживает
breaker-closed = в порядке
how-start = при запуске
how-folder = из папки
how-reload = перечитано
how-put = сохранено
how-rollback = возврат
change-added = добавлено
change-removed = удалено
change-changed = изменено
fate-acted = подействовало
fate-recorded = только записано
fate-skipped = пропущено
fate-failed = ошибка
