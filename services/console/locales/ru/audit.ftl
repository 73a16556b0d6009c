audit-title = Журнал аудита
audit-verified = { $n ->
    [one] Цепочка цела: { $n } запись. Её последнее звено:
    [few] Цепочка цела: { $n } записи. Её последнее звено:
    [many] Цепочка цела: { $n } записей. Её последнее звено:
   *[other] Цепочка цела: { $n } записи. Её последнее звено:
}
audit-damaged = Журнал повреждён: см. лог консоли.
audit-by = Кто
audit-act = Что
audit-table = То же таблицей (CSV)
act-signed_in = вход
act-sign_in_refused = отказ во входе
act-signed_out = выход
act-decided = решение по делу
act-undone = отмена решения
act-added = учётная запись создана
act-changed = учётная запись изменена
act-link_made = создана ссылка для пароля
act-password_set = задан пароль
act-settings_changed = изменены настройки
act-retried = повторная попытка отложенного
act-dropped = отложенное удалено
act-sanctioned = мера против автора
act-escalated = дело передано выше
act-sessions_ended = сеансы завершены
act-second_step_set = второй шаг настроен
act-second_step_off = второй шаг убран
act-code_used = код использован
act-token_made = токен создан
act-token_ended = токен отозван
act-token_used = токен использован
act-called = изменение через программу
act-linked = запись связана с провайдером
act-texts_changed = изменены тексты для авторов
act-webhook = что-то сделано с вебхуком
