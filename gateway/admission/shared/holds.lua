-- Lists what a worker holds.
--
-- KEYS: 1 the epoch, 2 the holds of the worker. ARGV: 1 the epoch. Answers MessagePack of {id, cost|payload, ...}.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return cmsgpack.pack({}) end
return cmsgpack.pack(redis.call('HGETALL', KEYS[2]))
