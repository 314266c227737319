-- The action `hold SECONDS`: keeps a request back until its service has a living replica again, for at
-- most that long. HAProxy itself queues for replicas that are busy, but not for replicas that are gone.

local PAUSE_MS = 50

local function replicas(txn)
    return txn.f:nbsrv(txn.f:be_name())
end

core.register_action("hold", { "http-req" }, function(txn, seconds)
    for _ = 1, tonumber(seconds) * 1000 / PAUSE_MS do
        if replicas(txn) > 0 then
            return
        end
        core.msleep(PAUSE_MS)
    end
end, 1)
