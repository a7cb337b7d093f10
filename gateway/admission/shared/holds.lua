-- Lists what a worker holds, or what was settled for it.
--
-- KEYS: 1 the epoch, 2 the holds of the worker or what was settled for it. ARGV: 1 the epoch. Answers MessagePack of {id, cost|payload, ...}.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return cmsgpack.pack({}) end
return cmsgpack.pack(redis.call('HGETALL', KEYS[2]))
