package dice

import "strings"

// languages are small stocks of everyday words.
var languages = [][]string{
	strings.Fields(english), strings.Fields(english), strings.Fields(german), strings.Fields(french), strings.Fields(spanish),
	strings.Fields(turkish), strings.Fields(greek), strings.Fields(russian), strings.Fields(arabic), strings.Fields(hindi),
	strings.Fields(japanese), strings.Fields(korean),
}

const (
	english = `are you home already we could meet at the station around seven bring milk and bread please thanks for yesterday
		dinner was lovely see photos from weekend train late again call me when free happy birthday dear love ok great maybe
		tomorrow morning coffee meeting moved to next week doctor said fine keys under mat left door green open window garden
		ticket game school pick up kids dog walk rain sun beach mountain trip plan book flight hotel very nice quiet place`
	german = `ich komme später bitte noch Brot und Käse mitbringen danke für gestern Abend schön grüße aus dem Süden morgen früh
		Kaffee Termin verschoben nächste Woche Straße Schlüssel unter der Matte Garten offen Kinder abholen Hund Regen Sonne
		Bahnhof Zug verspätet wieder ruf mich an wenn du Zeit hast alles Gute Übung macht den Meister groß klein weiß`
	french = `je suis déjà à la maison on se voit ce soir vers sept heures apporte du pain merci pour hier c'était très bien
		le train est en retard appelle-moi quand tu peux bon anniversaire demain matin café rendez-vous déplacé la semaine
		prochaine école enfants chien pluie soleil plage montagne forêt où être cœur garçon élève`
	spanish = `ya estoy en casa nos vemos esta noche trae leche y pan por favor gracias por ayer muy rico el tren llega tarde
		llámame cuando puedas feliz cumpleaños mañana por la mañana café reunión próxima semana niños perro lluvia sol playa
		montaña viaje billete hotel tranquilo corazón año señor`
	turkish = `eve geldim akşam görüşürüz ekmek al lütfen teşekkürler dün çok güzeldi tren yine geç kaldı müsait olunca ara
		doğum günün kutlu olsun yarın sabah kahve toplantı gelecek hafta çocuklar köpek yağmur güneş deniz dağ ışık İstanbul`
	greek    = `είμαι ήδη σπίτι τα λέμε το βράδυ φέρε ψωμί παρακαλώ ευχαριστώ για χθες ήταν ωραία το τρένο άργησε πάλι αύριο πρωί καφές`
	russian  = `я уже дома увидимся вечером купи хлеб пожалуйста спасибо за вчера было очень хорошо поезд опять опаздывает завтра утром кофе дождь солнце`
	arabic   = `أنا في البيت نلتقي مساء من فضلك شكرا على أمس كان جميلا القطار متأخر غدا صباحا قهوة مطر شمس بحر جبل`
	hindi    = `मैं घर पर हूँ शाम को मिलते हैं रोटी ले आना कृपया धन्यवाद कल बहुत अच्छा था गाड़ी फिर देर से है सुबह चाय बारिश धूप`
	japanese = `もう 家に います 七時に 駅で 会いましょう 牛乳と パンを お願いします ありがとう 昨日は 楽しかった 電車が また 遅れて 明日の朝 コーヒー 雨 晴れ 海 山`
	korean   = `벌써 집에 왔어요 저녁에 만나요 빵 좀 사다 주세요 고마워요 어제 정말 좋았어요 기차가 또 늦어요 내일 아침 커피 비 해 바다 산`
)

// emoji include ones of several code points: with skin tones, joined by
// U+200D, and flags.
var emoji = []string{
	"😀", "😂", "❤️", "👍", "👍🏽", "🎉", "☕️", "🌧️", "🏖️", "🐶", "🚲", "🙏", "😴", "🔥", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇫🇷", "🇯🇵", "1️⃣", "🧑🏿‍🚀",
}

var firstNames = strings.Fields(`Anna Ben Carla Deniz Elif Farid Grace Hana Ivo Jonas Kenji Léa Mara Nuno Olga Pavel Quirin Rosa Søren Tariq
	Uma Vera Wanda Ximena Yusuf Zoë Αλέξης Ольга Nadia 健 陽子 민수 José Ağca Fatima Oluwaseun Bjørn Chloë Dmitri Ewa`)

var lastNames = strings.Fields(`Abele Baker Costa Demir Eriksson Ferrari García Haddad Ito Jansen Kowalski Lindqvist Müller Nowak O'Neill
	Petrov Quispe Rossi Schmidt Tanaka Ueda Varga Weiß Xu Yılmaz Zimmermann 山田 Παπάς Иванова 김 Ñúñez Šimić`)

var companies = []string{
	"Blue Door Books", "Kern & Söhne", "Café Zentral", "Harbour Physio", "Étoile Films", "Norte Solar", "Old Mill Bakery", "Atelier Ünal",
}

var places = []struct{ city, code, country string }{
	{"Berlin", "10115", "de"},
	{"Lyon", "69001", "fr"},
	{"Porto", "4000", "pt"},
	{"Leeds", "LS1 4AP", "gb"},
	{"Ōsaka", "530-0001", "jp"},
	{"Portland", "97201", "us"},
	{"İzmir", "35210", "tr"},
	{"Göteborg", "411 03", "se"},
}
