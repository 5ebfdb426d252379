-- The groups (time zone, list, rank) of a campaign's ready leads that anybody may have, when each
-- one's first lead is due, and what the list says of itself.
--
-- Plan: a walk over the partial index leads_due, one descent for each group ("loose index scan"):
-- the row comparison is an index condition, so leads inside a group are never read. 10 million
-- leads in 5 zones cost 6 descents.
WITH RECURSIVE found AS (
  (SELECT time_zone, coalesce(list_id, 0) AS list, -rank AS rank, next_at
   FROM outdial.leads
   WHERE status = 'ready' AND holder IS NULL AND campaign_id = $1::bigint
   ORDER BY campaign_id, time_zone, coalesce(list_id, 0), (-rank), next_at
   LIMIT 1)
  UNION ALL
  SELECT following.*
  FROM found CROSS JOIN LATERAL (
    SELECT l.time_zone, coalesce(l.list_id, 0) AS list, -l.rank AS rank, l.next_at
    FROM outdial.leads l
    WHERE l.status = 'ready' AND l.holder IS NULL AND l.campaign_id = $1::bigint
      AND (l.time_zone, coalesce(l.list_id, 0), -l.rank) > (found.time_zone, found.list, found.rank)
    ORDER BY l.campaign_id, l.time_zone, coalesce(l.list_id, 0), (-l.rank), l.next_at
    LIMIT 1) following
), cut AS (
  SELECT * FROM found LIMIT $2::bigint
)
SELECT c.time_zone, c.list, -c.rank AS rank,
       floor(extract(epoch FROM c.next_at) * 1000)::bigint AS due_ms,
       coalesce(l.priority, 0::smallint) AS priority, coalesce(l.weight, 1) AS weight
FROM cut c LEFT JOIN outdial.lists l ON l.id = c.list
