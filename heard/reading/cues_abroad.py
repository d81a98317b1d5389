"""The cues of urgency in Spanish, French, German, Portuguese and Italian, as `cues` writes them."""

from __future__ import annotations

ABROAD: dict[str, str] = {
    "safety": """
        peligro|peligroso|peligrosa|ambulancia|intoxicación|intoxicado|intoxicada|quemaduras
        reacción alérgica
        olor|fuga a|de gas
        cristal|cristales en la|el|mi
        al|en|urgencias el? hospital
        danger|dangereux|dangereuse|intoxication|intoxiqué|intoxiquée|brûlures|brûlée|brûlé
        réaction allergique
        odeur|fuite de gaz
        à|aux l'hôpital|urgences
        gefährlich|lebensgefährlich|lebensgefahr|krankenwagen|notarzt|notaufnahme|verbrannt|stromschlag
        allergische|allergischer reaktion|schock
        im|ins krankenhaus
        nach|riecht gas
        perigo|perigoso|perigosa|ambulância|intoxicação|queimadura|queimaduras
        reação|reacção alérgica
        cheiro|fuga|vazamento a|de gás
        no|para hospital
        pericolo|pericoloso|pericolosa|ambulanza|intossicazione|ustione|ustioni|allergico|allergica
        reazione allergica
        odore|fuga|puzza di gas
        in|al ospedale|pronto
        en|in|em llamas|fuego|flammes|brand|chamas|fiamme|fumo|fumée
        """,
    "stranded": """
        tirado|tirados|tirada|tiradas en
        atrapado|atrapados|atrapada|atrapadas en
        bloqué|bloqués|bloquée|bloquées à|au|dans|sur|en
        coincé|coincés|coincée|coincées à|au|dans|sur|en
        gestrandet|ausgesperrt|eingesperrt
        sitze|sitzen|stehe|stehen|hängen|hänge ... fest
        preso|presos|presa|presas no|na|em
        bloccato|bloccati|bloccata|bloccate in|a|all'aeroporto|nell'ascensore|sul|nel|alla
        perdido|perdí|perdemos|perder el|o|a|la vuelo|avión|tren|voo|avião|comboio|conexión|ligação
        raté|ratons|rater|manqué notre|mon|le|la vol|avion|train|correspondance
        verpasse|verpassen|verpasst ... flug|zug|anschluss|flieger
        perso|perdere|perdiamo il|la volo|treno|aereo|coincidenza
        dormir en|à|no|na|dans|par el|l'aéroport|aeroporto|aeropuerto|gare|calle|rue|rua|terre
        """,
    "money": """
        cobrado|cobraron|cobrasteis|cargado|cargaron ... dos|doble|veces
        cobrado|cobrada|cobraram|debitado|debitaram ... duas|dobro|vezes
        débité|débitée|prélevé|prélevée|facturé|facturée ... fois|double
        doppelt|zweimal|zweifach abgebucht|berechnet|belastet|bezahlt|kassiert
        addebitato|addebitati|addebitata|pagato ... volte|due|doppio
        cobro|cargo|cobrança no|não autorizado|autorizada|reconozco|reconheço
        prélèvement|débit non autorisé
        unberechtigte|unberechtigt|unbefugte abbuchung|abgebucht
        addebito|prelievo non autorizzato
        dónde|onde está|estão mi|o meu? dinero|dinheiro
        où est mon argent
        wo ist|bleibt mein geld
        dove sono|è i|il miei|mio soldi
        devolución|reembolso|remboursement|rimborso no|non|pas|ainda|toujours|jamais
        """,
    "locked out": """
        no puedo|consigo|podemos entrar|acceder|iniciar
        cuenta|conta|compte bloqueada|bloqueado|hackeada|bloqué|piraté|suspendue|suspendida|suspensa
        ne|peux|n'arrive pas|plus me|à|accéder connecter
        plus|pas accès à mon compte
        komme|kommen nicht|nicht in|mehr in|rein
        konto|account gesperrt|gehackt|blockiert
        não consigo|posso entrar|aceder|acessar|iniciar
        non riesco|posso ad|a|più accedere|entrare
        account|conto|profilo bloccato|hackerato|violato|sospeso
        """,
    "data lost": """
        perdido|borrado|desaparecido ... fotos|datos|archivos|todo
        perdi|perdido|apagado|sumiu ... fotos|dados|arquivos|ficheiros|tudo
        perdu|disparu|effacé ... photos|données|fichiers|tout
        verloren|gelöscht|verschwunden|weg ... fotos|daten|dateien|alles
        fotos|daten|dateien|bilder sind|wurden|alle weg|gelöscht|verschwunden|verloren
        perso|persi|cancellato|cancellati|spariti|sparito ... foto|dati|file|tutto
        """,
    "repeated": """
        tercera|segunda|cuarta|quinta|terceira|quarta vez
        terza|seconda|quarta|quinta volta
        deuxième|troisième|quatrième|cinquième|3e|2e|4e fois|mail|message|courrier|appel
        zweite|dritte|vierte|fünfte|zweiten|dritten mal|mail|nachricht|versuch|anruf
        zum # mal
        nadie|ninguém|nessuno me|mi|nos|ci? contesta|responde|risponde|atende|coge
        personne ne répond|réagit|rappelle
        niemand antwortet|reagiert|meldet|geht|hilft
        sin|sem|senza|sans|ohne respuesta|resposta|risposta|réponse|antwort
        ninguna|nenhuma|nessuna|aucune|keine respuesta|resposta|risposta|réponse|antwort|rückmeldung
        # correos|emails|mails|llamadas|ligações|chiamate|appels|anrufe|mal angerufen|veces
        llevo # días|semanas|horas
        """,
    "legal": """
        abogado|abogada|abogados|denuncia|denunciar|denunciaré|consumo
        avocat|avocats|plainte|tribunal|huissier|juridique
        anwalt|anwältin|rechtsanwalt|anzeige|verbraucherzentrale|klage|gericht|rechtsschutz
        advogado|advogada|procon|queixa|processar|deco|justiça
        avvocato|avvocati|denuncia|querela|tribunale|legali|diffida
        a la|na|à|alla|dem|der policía|polícia|police|polizia|polizei
        prensa|presse|imprensa|stampa|giornali|journaux|zeitung
        """,
    "deadline": """
        urgente|urgentemente|urgent|dringend|dringende|urgentissimo|eilig|sofort|inmediatamente
        hoy|hoje|oggi|aujourd'hui|heute mismo|mesmo|stesso|même|noch
        antes de|do|delle|prima|avant|vor ... mañana|amanhã|domani|demain|morgen
        para|per|pour|für|bis mañana|amanhã|domani|demain|morgen|hoy|hoje|oggi|heute
        salgo|sale|salimos|viajo|partimos ... mañana|hoy|amanhã|hoje
        parto|partiamo|pars|partons ... domani|oggi|amanhã|demain
        fliege|fliegen|fahre|reise|reisen|reist ... morgen|heute
        caso|casamos|sposo|sposiamo mañana|sábado|domani|sabato
        heirate|heiraten morgen|samstag
        """,
}
