-- Counts generations up around a write. Before it, the write is noted as on its way, for a while:
-- a process that dies in between leaves nobody with what it has overtaken.
-- KEYS: generations, writes on their way. ARGV: the write's name, how long it may take in ms (0: it is over).
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local life = tonumber(ARGV[2])
local count = #KEYS / 2
for place = 1, count do
  local before = tonumber(redis.call('GET', KEYS[place]) or '0')
  redis.call('SET', KEYS[place], string.format('%.0f', math.max(before + 1, micros)))
  local writes = KEYS[count + place]
  if life > 0 then
    redis.call('ZREMRANGEBYSCORE', writes, '-inf', now)
    redis.call('ZADD', writes, now + life, ARGV[1])
    redis.call('PEXPIRE', writes, life)
  else
    redis.call('ZREM', writes, ARGV[1])
  end
end
return 1
