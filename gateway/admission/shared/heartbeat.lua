-- Says that a worker lives and how far it is, and tells who else does.
--
-- KEYS: 1 the epoch, 2 workers: when their leases end, 3 how far they are in this epoch.
-- ARGV: 1 worker, 2 milliseconds of its lease, 3 the name of a new epoch, 4 the epoch of its phase, 5 its phase or ''.
-- Answers MessagePack of {epoch, now, opened, {worker, end, phase, ...}}; microseconds of this server.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  epoch = ARGV[3]
  redis.call('SET', KEYS[1], epoch)
  redis.call('DEL', KEYS[2], KEYS[3])
  redis.call('HSET', KEYS[3], '#', string.format('%.0f', now))
end
redis.call('HSET', KEYS[2], ARGV[1], string.format('%.0f', now + ARGV[2] * 1000))
if ARGV[5] ~= '' and ARGV[4] == epoch then redis.call('HSET', KEYS[3], ARGV[1], ARGV[5]) end
local workers = {}
local leases = redis.call('HGETALL', KEYS[2])
for index = 1, #leases, 2 do
  workers[#workers + 1] = leases[index]
  workers[#workers + 1] = tonumber(leases[index + 1])
  workers[#workers + 1] = redis.call('HGET', KEYS[3], leases[index]) or ''
end
return cmsgpack.pack({epoch, now, tonumber(redis.call('HGET', KEYS[3], '#') or 0), workers})
