-- The service `refuse_body`: reads a body that is too large to its end, forgets it, and then says so.
-- Answering earlier would reset the connection under a client that is still sending; such a client
-- never sees the answer and begins again.

local CHUNK_BYTES = 65536
local BODY = '{"msg":"The body of the request is too large: at most %s bytes are taken.",'
    .. '"code":"payload_too_large","request_id":"%s"}'

core.register_service("refuse_body", "http", function(applet)
    repeat
        local chunk = applet:receive(CHUNK_BYTES)
    until #chunk == 0

    local limit = os.getenv("SEXTANT_MAX_BODY_BYTES")
    local body = BODY:format(limit, applet:get_var("txn.request_id"))
    applet:set_status(413)
    applet:add_header("Content-Type", "application/json")
    applet:add_header("Content-Length", tostring(#body))
    applet:start_response()
    applet:send(body)
end)
