queue-title = Очередь
queue-open = { $n ->
    [one] { $n } открытое дело
    [few] { $n } открытых дела
   *[many] { $n } открытых дел
}
queue-filters = Отбор
queue-narrow = Сузить
queue-rules = Правила:
queue-remove = убрать
queue-nothing-so-far = Пока ничего; смотрите дальше.
queue-nothing-waits = Вас ничего не ждёт. Отличная работа.
queue-nothing-more = Больше здесь ничего нет.
queue-next = Следующая страница
filter-site = сайт
filter-label = метка
filter-rule = правило
queue-pick = Выбрать дело: { $name }
queue-bulk = Решить отмеченные…
queue-escalated = поднято: { $name }
due-minutes = { $n ->
    [one] срок через { $n } мин
    [few] срок через { $n } мин
   *[many] срок через { $n } мин
}
due-hours = { $n ->
    [one] срок через { $n } ч
    [few] срок через { $n } ч
   *[many] срок через { $n } ч
}
due-days = { $n ->
    [one] срок через { $n } день
    [few] срок через { $n } дня
   *[many] срок через { $n } дней
}
overdue-minutes = { $n ->
    [one] просрочено на { $n } мин
    [few] просрочено на { $n } мин
   *[many] просрочено на { $n } мин
}
overdue-hours = { $n ->
    [one] просрочено на { $n } ч
    [few] просрочено на { $n } ч
   *[many] просрочено на { $n } ч
}
overdue-days = { $n ->
    [one] просрочено на { $n } день
    [few] просрочено на { $n } дня
   *[many] просрочено на { $n } дней
}
