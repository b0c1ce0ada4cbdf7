-- What an event says of its visitor's way and place: see `Touch`. The defaults answer for rows of before, and for workers of
-- before, as far as the stored url tells: neither click ids nor addresses were kept. As `ingest/channel.py` did when this
-- was written: what is decided once does not change with its lists.
ALTER TABLE events {on_cluster}
    ADD COLUMN IF NOT EXISTS medium LowCardinality(String)
        DEFAULT lowerUTF8(decodeURLComponent(extractURLParameter(url, 'utm_medium'))),
    ADD COLUMN IF NOT EXISTS term String DEFAULT decodeURLComponent(extractURLParameter(url, 'utm_term')),
    ADD COLUMN IF NOT EXISTS content String DEFAULT decodeURLComponent(extractURLParameter(url, 'utm_content')),
    ADD COLUMN IF NOT EXISTS channel LowCardinality(String) DEFAULT multiIf(
        (medium IN ('cpc', 'ppc', 'retargeting') OR startsWith(medium, 'paid')) AND source IN (
            'google', 'bing', 'duckduckgo', 'yahoo', 'yandex', 'baidu', 'ecosia', 'qwant', 'startpage',
            'brave', 'kagi', 'naver', 'seznam', 'sogou', 'so.com', 'sm.cn', 'daum', 'ask', 'aol', 'mojeek',
            'swisscows', 'metager', 'presearch', 'dogpile', 'petal', 'lycos', 'rambler', 'coccoc', 'virgilio',
            'onet', 'gibiru', 'searx'
        ), 'Paid Search',
        (medium IN ('cpc', 'ppc', 'retargeting') OR startsWith(medium, 'paid')) AND source IN (
            'facebook', 'instagram', 'messenger', 'threads', 'whatsapp', 'x', 'linkedin', 'tiktok', 'reddit',
            'pinterest', 'snapchat', 'telegram', 'discord', 'slack', 'bluesky', 'mastodon', 'tumblr', 'quora',
            'vk', 'ok.ru', 'weibo', 'wechat', 'line', 'kakao', 'zalo', 'xiaohongshu', 'xing', 'flickr',
            'nextdoor', 'viber', 'skype', 'teams', 'truthsocial', 'linktree'
        ), 'Paid Social',
        medium IN ('display', 'banner', 'expandable', 'interstitial', 'cpm'), 'Display',
        (medium IN ('cpc', 'ppc', 'retargeting') OR startsWith(medium, 'paid')), 'Paid Other',
        medium = 'affiliate', 'Affiliates',
        medium IN ('email', 'e-mail', 'e_mail', 'newsletter')
        OR source IN ('email', 'e-mail', 'e_mail', 'newsletter'), 'Email',
        source IN (
            'chatgpt', 'perplexity', 'claude', 'gemini', 'copilot', 'deepseek', 'grok', 'mistral', 'meta-ai',
            'poe', 'phind', 'you.com', 'kimi', 'doubao', 'qwen'
        ), 'AI Assistant',
        medium = 'organic' OR source IN (
            'google', 'bing', 'duckduckgo', 'yahoo', 'yandex', 'baidu', 'ecosia', 'qwant', 'startpage',
            'brave', 'kagi', 'naver', 'seznam', 'sogou', 'so.com', 'sm.cn', 'daum', 'ask', 'aol', 'mojeek',
            'swisscows', 'metager', 'presearch', 'dogpile', 'petal', 'lycos', 'rambler', 'coccoc', 'virgilio',
            'onet', 'gibiru', 'searx'
        ), 'Organic Search',
        medium IN ('social', 'social-network', 'social-media', 'sm') OR source IN (
            'facebook', 'instagram', 'messenger', 'threads', 'whatsapp', 'x', 'linkedin', 'tiktok', 'reddit',
            'pinterest', 'snapchat', 'telegram', 'discord', 'slack', 'bluesky', 'mastodon', 'tumblr', 'quora',
            'vk', 'ok.ru', 'weibo', 'wechat', 'line', 'kakao', 'zalo', 'xiaohongshu', 'xing', 'flickr',
            'nextdoor', 'viber', 'skype', 'teams', 'truthsocial', 'linktree'
        ), 'Organic Social',
        medium = 'video' OR source IN ('youtube', 'vimeo', 'twitch', 'dailymotion'), 'Video',
        source = 'direct' AND medium != 'referral', 'Direct',
        'Referral'
    ),
    ADD COLUMN IF NOT EXISTS hostname LowCardinality(String)
        DEFAULT replaceRegexpOne(extract(url, '^[a-z0-9+.-]+://(\\[[^]]*\\]|[^:/]+)'), '^www[.]', ''),
    ADD COLUMN IF NOT EXISTS region LowCardinality(String),
    ADD COLUMN IF NOT EXISTS city LowCardinality(String)
