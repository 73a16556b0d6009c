# Показатели и диаграммы.
insights-title = Показатели
insights-site = Сайт
insights-all-sites = Все
insights-from = С
insights-to = По
insights-by = С шагом
insights-by-day = в день
insights-by-hour = в час
insights-show = Показать
insights-utc = Дни и часы — по UTC.
insights-open = Открытые дела
insights-oldest = Самое старое открыто
insights-decided = Решения
insights-median-of = Половина заняла не более
insights-p90-of = Девять из десяти заняли не более
insights-file = Файлом (CSV)
insights-day = День
insights-hour = Час
insights-cases = Открытые и закрытые дела
insights-opened = Открыто
insights-closed = Закрыто
insights-by-rules = Правилами
insights-reported = По жалобам
insights-appealed = По обжалованию
insights-ended = Чем кончились дела
insights-approved = Одобрено
insights-rejected = Отклонено
insights-otherwise = Иначе
insights-undone = Отменено
insights-verdicts = Вердикты правил
insights-waited = Время до решения, в минутах
insights-median = Медиана
insights-p90 = 90-й процентиль
insights-histogram = Решения по времени
insights-time = Время
insights-up-to = до { $time }
insights-more-than = более { $time }
insights-hits = Срабатывания правил по времени
insights-overrides = Отмены по правилам, в процентах
insights-override = Отменено модераторами
insights-override-shadow = Отменено на пробу
insights-load = Нагрузка модераторов
insights-moderator = Модератор
insights-total = Всего
insights-seconds = { $n } с
insights-minutes = { $n } мин
insights-hours = { $n } ч
insights-days = { $n ->
    [one] { $n } день
    [few] { $n } дня
   *[many] { $n } дней
}
chart-table = Таблицей
