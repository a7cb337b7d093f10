-- Ends an epoch that a worker does not trust any more (ARGV 2 is ''), or takes a worker out that has nothing left.
--
-- KEYS: 1 the epoch, 2 workers, 3 how far they are. ARGV: 1 the epoch, 2 the worker.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('HDEL', KEYS[2], ARGV[2])
  redis.call('HDEL', KEYS[3], ARGV[2])
end
return 1
