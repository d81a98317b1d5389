"""Words of customer care by what they do in a message, written by hand.

The heads count them; a word may stand in several classes. English, without case or stretching.
"""

from __future__ import annotations

CLASSES: dict[str, frozenset[str]] = {
    name: frozenset(words.split())
    for name, words in {
        "problem": """
            broken broke breaks break faulty defective damaged damage crash crashes crashed
            crashing freeze freezes freezing frozen froze stuck fail fails failed failing
            failure error errors bug bugs buggy glitch glitches glitchy lag lags lagging laggy
            slow slower unusable down outage offline disconnect disconnects disconnected
            disconnecting buffering unavailable late delay delayed delays delaying cancelled
            canceled cancels overdue missing missed lost lose losing misplaced gone disappeared
            vanished stolen leak leaks leaking leaked wrong incorrect mistake mistakes mixup
            unable cannot can't cant couldn't couldnt won't wont doesn't doesnt didn't didnt
            isn't isnt wasn't never nobody nothing waiting waited hours weeks refused refuses
            refuse denied declined rejected blocked locked suspended banned hacked overcharged
            overcharge charged charging undelivered cold raw stale mouldy moldy rotten burnt
            soggy dirty filthy smelly stained noisy scratched cracked torn ripped leaky rust
            rusty dead dying issue issues problem problems trouble troubles complaint complain
            complaining complained unresolved unanswered ignored ignoring ignore unhelpful
            useless hopeless incompetent incompetence rude rudest disrespectful unprofessional
            careless shambles mess messed shame shameful disgrace disgraceful disgusting
            disgusted appalling appalled atrocious horrendous horrible horrid terrible awful
            dreadful abysmal pathetic ridiculous unacceptable inexcusable unbelievable poor
            poorly worst worse bad crap crappy shit shitty garbage rubbish trash joke nightmare
            disaster disappointing disappointed disappointment disappoints frustrated
            frustrating frustration annoyed annoying annoyance angry furious livid fuming upset
            unhappy fed outrageous outraged insulting insulted misleading misled lied lies lie
            lying liars liar scam scammed scammers scammer fraud fraudulent ripoff cheated cheat
            cheating crooks thieves robbed stole steal stealing overpriced expensive pricey
            refund refunds refunded compensation sucks suck sucked fix fixed resolve sort again
            still yet
        """,
        "praise": """
            love loved loves loving lovely great excellent amazing awesome fantastic fabulous
            superb brilliant wonderful perfect perfectly perfection beautiful gorgeous delicious
            tasty yummy yum best finest outstanding exceptional incredible stunning impressive
            impressed delightful delighted pleased happy happier thrilled satisfied enjoy
            enjoyed enjoyable enjoying fun favourite favorite friendly helpful kind polite
            courteous attentive professional efficient quick fast prompt speedy reliable smooth
            easy simple clean spotless cosy cozy comfortable comfy fresh generous honest fair
            affordable bargain worth recommend recommended recommending recommendation stellar
            flawless phenomenal legend legends hero heroes star stars rock rocks kudos props
            bravo congrats congratulations nice cool sweet good glad yay wow cheers excited
            stoked hyped
        """,
        "thanks": """
            thanks thank thankyou thx thnx tnx ty tysm tyvm cheers ta grateful gratitude
            appreciate appreciated appreciates appreciation gracias merci danke
        """,
        "greeting": "hi hello hey hiya heya hallo howdy morning afternoon evening greetings dear",
        "acknowledgement": """
            ok okay okey k kk alright allright sure yes yep yeah yup no nope nah fine noted
            understood roger done bye goodbye cya later welcome worries problemo np nvm
            nevermind agreed same true right exactly indeed lol haha hahaha hahah hehe lmao rofl
            cool gotcha deal
        """,
        "question": """
            what what's whats when where where's which who who's whose why how how's whether
            anyone anybody someone
        """,
        "asking": """
            can could would will do does did is are am was were may might should have has any
        """,
        "request": """
            please pls plz plse kindly need needs needed want wants wanted require required like
            i'd id help assist assistance support advise advice explain confirm check tell send
            contact call reply respond response answer dm message email provide change update
            cancel return exchange replace replacement reset book booking reserve reservation
            order ordered buy purchase apply add remove activate transfer move reschedule
            upgrade downgrade track tracking wondering wonder looking trying possible available
            availability
        """,
        "service": """
            order orders parcel package packages delivery delivered shipping shipment courier
            driver account password login log sign app website site page update updated version
            download install installed card payment paid pay bill billing invoice charge fee
            price subscription membership plan ticket flight seat gate luggage bag bags baggage
            booking reservation hotel room table waiter staff manager desk store shop branch
            service customer agent phone hold queue number email internet wifi broadband signal
            network connection screen battery device laptop computer server game playstation
            xbox iphone android warranty appointment technician engineer train bus station
            platform insurance claim contract bank transaction balance loan mortgage deposit
        """,
        "self": "i i'm im i've ive i'd i'll me my mine myself we we're we've us our ours",
        "you": "you your you're youre yours u ur yall y'all yourself team guys folks",
        "they": "he she they his her him them their",
        "harm": """
            never avoid worst scam boycott uninstalled uninstalling uninstall deleting deleted
            cancelling canceling switching switched leaving left elsewhere competitor
            competitors beware warning regret waste wasted wasting ripoff overrated horrible
            terrible awful crooks thieves liars useless pathetic garbage rubbish trash
            disgusting disgrace shame joke worthless ruined zero unprofessional dishonest
        """,
        "draw": """
            recommend recommended recommending highly best must favourite favorite excellent
            perfect amazing awesome fantastic outstanding superb definitely again back return
            love loved loves worth delicious reliable everyone gem stars exceptional flawless
            incredible brilliant wonderful
        """,
        "leave-taking": "bye goodbye cya goodnight night",
        "promotion": """
            free win winner winners won giveaway prize click subscribe followers follow
            followback promo discount off sale deal deals offer offers bonus casino crypto
            bitcoin forex signals earn income investment webinar register sponsored ad link bio
            seo leads marketing whatsapp telegram viagra loan congratulations selected
            guaranteed limited hiring job jobs vacancy retweet rt
        """,
        "news": """
            says said announces announced announcement report reports reported shares quarter
            results ceo minister government council election police study according launches
            unveils market stocks investors news update video blog post thread podcast episode
            live watch
        """,
        "bystander": """
            mom mum dad brother sister wife husband girlfriend boyfriend friends weekend
            birthday tonight party game match team season movie film show song album school exam
            class president trump god jesus life people world weather rain sleep
        """,
        "visit": "checked at visiting trying tried lunch dinner breakfast brunch wearing listening",
    }.items()
}
