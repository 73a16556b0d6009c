case-title = Дело
case-by = Комментарий: { $name }
case-platform = на сайте
case-thread = всё обсуждение
case-work = Взять в работу
case-release = Вернуть
case-answers = На что он отвечает
case-decision = Решение
case-approve = Одобрить
case-reject-because = Причина отклонения
case-reject = Отклонить
case-press-number = Отклонение: нажмите номер причины.
case-notes = Заметки
case-note = Добавить заметку
case-add = Добавить
case-beside = Другие ответы на тот же комментарий
case-known = Что известно
case-author = Автор
case-approved = Одобрено
case-held = Задержано
case-rejected = Отклонено
case-first-seen = Впервые замечен
case-trusted = Доверенный
case-id = Идентификатор
case-under = Сейчас действует: { $sanction }
case-under-until = до { $time }
case-sanctions = Санкции
case-sanction-by = кем: { $name }
case-reports = Жалобы
case-reports-all = { $n ->
    [0] Жалоб не было.
    [one] Всего { $n } жалоба.
    [few] Всего { $n } жалобы.
   *[many] Всего { $n } жалоб.
}
case-reports-open = { $n ->
    [one] { $n } жалоба после последнего решения.
    [few] { $n } жалобы после последнего решения.
   *[many] { $n } жалоб после последнего решения.
}
case-reports-weight = Их вес: { $n }.
case-reports-reasons = Причины: { $reasons }.
case-decisions = Решения
case-by-name = кем: { $name }
case-by-rules = по правилам
case-choose-reason = Решение не принято: выберите причину отклонения.
case-not-decided = Вы ничего не решили. { $why }
case-not-undone = Ничего не отменено. { $why }
case-not-done = Ничего не сделано. { $why }
case-works = С ним работает { $name }.
case-theirs = Над делом работает { $name }: вы сможете решить его, когда срок истечёт или дело вернут.
case-take = Взять себе
case-more = Ещё
case-all-of-author = Всё, что ждёт решения от этого автора
case-all-below = Этот комментарий и все ответы на него
case-escalate = Поднять в начало очереди
case-escalate-note = Почему (заметка для других, по желанию)
case-calm = Вернуть на место
